import type { CreateSession } from '../../contracts/commands.ts';
import { terminalNamePattern, type TerminalSize } from '../../contracts/terminal.ts';
import { AppError } from '../../platform/app-error.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { Store } from '../../storage/store.ts';

/** What runs in a terminal and how large it is, as its session keeps it. */
export interface StoredTerminal extends TerminalSize {
  command: string | null;
}

const DEFAULT_NAME = 'default';
const DEFAULT_SIZE: TerminalSize = { cols: 80, rows: 24 };

/** What a row keeps of its terminal; null for what is none. */
export function storedTerminal({ terminal }: Pick<SessionRow, 'terminal'>): StoredTerminal | null {
  return terminal === null ? null : (JSON.parse(terminal) as StoredTerminal);
}

/** The name and the terminal of a new session. Throws `validation-failed`. */
export function newTerminal({ name = DEFAULT_NAME, command, cols, rows }: Pick<CreateSession, 'name' | 'command' | 'cols' | 'rows'>): {
  name: string;
  terminal: StoredTerminal;
} {
  checkTerminalName(name);
  return { name, terminal: { command: command ?? null, cols: cols ?? DEFAULT_SIZE.cols, rows: rows ?? DEFAULT_SIZE.rows } };
}

/** Throws `validation-failed` for a name that a terminal cannot have. */
function checkTerminalName(name: string): void {
  if (terminalNamePattern.test(name)) return;
  const message = `must be letters, digits, - and _, beginning with a letter or digit, for a terminal`;
  throw new AppError('validation-failed', `name ${message}.`, { fields: [{ field: 'name', message }] });
}

/** The project's terminal of this name, to be gone on with. Throws `name-taken` where something else is to run in it. */
export function existingTerminal(store: Store, owner: string, projectPath: string, request: CreateSession): SessionRow | undefined {
  const name = request.name ?? DEFAULT_NAME;
  const row = store.sessions.terminal(owner, projectPath, name);
  const terminal = row && storedTerminal(row);
  if (!row || !terminal) return undefined;
  if (request.command !== undefined && request.command !== terminal.command)
    throw new AppError(
      'name-taken',
      `This project has a terminal ${name} with another command; use another name, or stop and delete that one.`,
    );
  const { cols = terminal.cols, rows = terminal.rows } = request;
  // One that runs is resized by whoever types.
  if (row.incarnation_id === null) store.sessions.update(row.num, { terminal: JSON.stringify({ ...terminal, cols, rows }) });
  return row;
}

/** Throws `name-taken` where the project has another terminal of this name. */
export function checkNameFree(store: Store, session: SessionRow, name: string): void {
  checkTerminalName(name);
  const other = store.sessions.terminal(session.owner, session.project_path, name);
  if (other && other.num !== session.num) throw new AppError('name-taken', `This project has a terminal ${name} already.`);
}
