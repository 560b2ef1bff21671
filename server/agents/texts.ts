import { cut, type JsonObject, listOf, objectOf, stringOf } from './json.ts';

/** The most that is kept of a tool's output, or of a file in its input, in characters. */
export const MOST_OUTPUT = 64 * 1024;
const MOST_TITLE = 160;

/** The first line of a text, fit for a lock screen, with the … that marks what is left out. */
export function firstLine(text: string): string {
  const [first = '', ...more] = text.trim().split('\n');
  return `${cut(first, MOST_TITLE)}${more.length > 0 || first.length > MOST_TITLE ? ' …' : ''}`;
}

/** A tool's output as it is kept: whole, or its beginning and how much that is. */
export function keptOutput(text: string): string {
  const kept = cut(text, MOST_OUTPUT);
  return kept === text ? text : `${kept}\n[cut: ${kept.length} of ${text.length} characters]`;
}

/** What can be chosen as the answer to a question. */
export function optionsOf(question: JsonObject): { label: string; description?: string }[] {
  return listOf(question.options)
    .map(objectOf)
    .map((option) => ({
      label: stringOf(option.label),
      ...(typeof option.description === 'string' ? { description: option.description } : {}),
    }));
}
