import { listOf, objectOf, stringOf } from '../../agents/json.ts';

/** What a tool does that people want to hear of later. */
export type Touched = { kind: 'file'; path: string } | { kind: 'command'; command: string };

/** Tools that change a file, with the field that names it. */
const fileField = new Map([
  ['Write', 'file_path'],
  ['Edit', 'file_path'],
  ['MultiEdit', 'file_path'],
  ['NotebookEdit', 'notebook_path'],
]);

/** The file that a tool changes, or the command that it runs; null for one that only looks. */
export function touchedBy(tool: string, input: unknown): Touched | null {
  const fields = objectOf(input);
  const field = fileField.get(tool);
  if (field !== undefined) {
    const path = stringOf(fields[field]);
    return path === '' ? null : { kind: 'file', path };
  }
  const { command } = fields;
  const words = typeof command === 'string' ? command : listOf(command).map(stringOf).join(' ');
  return words.trim() === '' ? null : { kind: 'command', command: words };
}

/** One name for the same tool with the same target, so that an approval finds the tool that it was about. */
export function touchKey(tool: string, touched: Touched): string {
  return `${tool}\0${touched.kind === 'file' ? touched.path : touched.command}`;
}
