import type { JsonObject } from '../json.ts';
import { cut, listOf, objectOf, stringOf } from '../json.ts';
import { firstLine, keptOutput, MOST_OUTPUT } from '../texts.ts';

/** A tool that codex uses, as an item shows it. */
export interface ToolUse {
  name: string;
  title: string;
  input: JsonObject;
}

/** One line that says what a tool does, fit for a lock screen. */
export function titleOf(tool: string, text: string): string {
  const first = firstLine(text);
  return first === '' ? tool : `${tool}: ${first}`;
}

/** A command without the shell that codex puts around it, where codex says what that is. */
export function plainCommand(about: JsonObject): string {
  const actions = listOf(about.commandActions).map(objectOf);
  const only = actions.length === 1 ? stringOf(actions[0]?.command) : '';
  return only || stringOf(about.command);
}

/** The files of a change; `kind` is add, delete or update. */
export function changesOf(item: JsonObject): { path: string; kind: string; diff: string }[] {
  return listOf(item.changes)
    .map(objectOf)
    .map((change) => ({
      path: stringOf(change.path),
      kind: stringOf(objectOf(change.kind).type),
      diff: cut(stringOf(change.diff), MOST_OUTPUT),
    }));
}

/** A change of files as the input of a tool. */
export function changeInput(changes: { path: string; kind: string; diff: string }[]): JsonObject {
  const [first] = changes;
  return { ...(changes.length === 1 && first ? { path: first.path } : {}), changes };
}

/** What a change of files is called. */
export function changeTitle(changes: { path: string }[]): string {
  const [first] = changes;
  return titleOf('apply_patch', `${first?.path ?? ''}${changes.length > 1 ? ` and ${changes.length - 1} more` : ''}`);
}

/** The tool that an item shows; null for an item that is none. */
export function toolOf(item: JsonObject): ToolUse | null {
  const plain = (name: string, text: string, input: JsonObject): ToolUse => ({ name, title: titleOf(name, text), input });
  switch (item.type) {
    case 'commandExecution':
      return plain('shell', plainCommand(item), { command: stringOf(item.command), cwd: stringOf(item.cwd) });
    case 'fileChange': {
      const changes = changesOf(item);
      return { name: 'apply_patch', title: changeTitle(changes), input: changeInput(changes) };
    }
    case 'mcpToolCall':
      return plain(`${stringOf(item.server)}.${stringOf(item.tool)}`, '', objectOf(item.arguments));
    case 'dynamicToolCall':
      return plain(stringOf(item.tool) || 'tool', '', objectOf(item.arguments));
    case 'webSearch':
      return plain('web_search', stringOf(item.query), { query: stringOf(item.query) });
    case 'imageView':
      return plain('view_image', stringOf(item.path), { path: stringOf(item.path) });
    case 'collabAgentToolCall':
      return plain(stringOf(item.tool) || 'agent', stringOf(item.prompt), { prompt: stringOf(item.prompt) });
    case 'imageGeneration':
      return plain('image_generation', '', {});
    default:
      return null;
  }
}

function whole(item: JsonObject): string {
  switch (item.type) {
    case 'commandExecution': {
      const output = stringOf(item.aggregatedOutput);
      const code = typeof item.exitCode === 'number' && item.exitCode !== 0 ? `[exit code ${item.exitCode}]` : '';
      return [output, code].filter((text) => text !== '').join(output.endsWith('\n') ? '' : '\n');
    }
    case 'fileChange':
      return changesOf(item)
        .map(({ path, kind }) => `${kind} ${path}`)
        .join('\n');
    case 'mcpToolCall': {
      const error = stringOf(objectOf(item.error).message);
      const content = listOf(objectOf(item.result).content).map(objectOf);
      return error || content.map((part) => stringOf(part.text) || `[${stringOf(part.type) || 'content'}]`).join('\n');
    }
    case 'dynamicToolCall':
      return listOf(item.contentItems)
        .map((part) => stringOf(objectOf(part).text))
        .join('\n');
    default:
      return '';
  }
}

/** Whether a tool did what it should, and what it printed. */
export function outcomeOf(item: JsonObject): { ok: boolean; output: string } {
  const text = item.status === 'declined' ? 'Denied.' : whole(item);
  const ok = item.status !== 'failed' && item.status !== 'declined' && item.success !== false;
  return { ok, output: keptOutput(text) };
}
