import type { JsonObject } from '../json.ts';
import { cut, listOf, objectOf, stringOf } from '../json.ts';
import { firstLine } from '../texts.ts';

/** The input fields that say best what a tool is about to do, by how telling they are. */
const tellingFields = ['command', 'file_path', 'notebook_path', 'pattern', 'url', 'query', 'description', 'prompt', 'path', 'skill'];

/** One line that says what a tool does, fit for a lock screen. */
export function titleOf(tool: string, input: JsonObject): string {
  const field = tellingFields.find((name) => stringOf(input[name]) !== '');
  if (field === undefined) return tool;
  return `${tool}: ${firstLine(stringOf(input[field]))}`;
}

/** What "always allow" would allow, from what the CLI suggests. */
export function alwaysLabel(suggestions: JsonObject[]): string {
  if (suggestions.some((suggestion) => suggestion.type === 'setMode' && suggestion.mode === 'acceptEdits')) {
    const folders = suggestions.flatMap((suggestion) => listOf(suggestion.directories)).filter((folder) => typeof folder === 'string');
    return `Allow all edits in this session${folders.length ? `, also in ${cut(folders.join(', '), 120)}` : ''}`;
  }
  const rules = suggestions.flatMap((suggestion) => listOf(suggestion.rules)).map(objectOf);
  const names = rules.map((rule) => stringOf(rule.ruleContent) || stringOf(rule.toolName)).filter((name) => name !== '');
  return names.length ? `Always allow ${cut(names.join(', '), 120)}` : 'Allow from now on';
}
