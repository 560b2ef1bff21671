import type { TerminalCommand, TerminalSide } from '../../agents/driver.ts';
import type { TerminalInput, TerminalInputView } from '../../contracts/terminal.ts';
import { AppError } from '../../platform/app-error.ts';
import type { Cell, Committed } from '../cell.ts';
import { tell } from '../cell.ts';
import type { Incarnation } from '../lifecycle/incarnation.ts';
import { bodyHash, earlierAnswer, requestKey } from '../turns/idempotency.ts';

/** Bytes of input that tmux has not taken yet; more is refused. */
const MOST_UNREAD = 16 * 1024 * 1024;
const nothing: Committed = { pending: [], effects: [] };

/** The process of a terminal that can be told something. Throws `session-busy`. */
export function liveTerminal(cell: Cell): { incarnation: Incarnation; terminal: TerminalSide } {
  const { incarnation, state } = cell;
  const terminal = incarnation?.driver.terminal;
  if (!incarnation || !terminal || state.kind === 'stopping' || terminal.hasEnded(incarnation.state))
    throw new AppError('session-busy', 'Nothing runs in this terminal now; start it with POST /api/sessions/{id}/start.');
  return { incarnation, terminal };
}

/**
 * Records keys and a new size as lines for tmux, with the answer under the input's id: whatever happens then, they are typed once.
 * Throws `session-busy`, `queue-full`, `idempotency-conflict`.
 */
export function recordInput(cell: Cell, owner: string, request: TerminalInput): { result: TerminalInputView; committed: Committed } {
  const { store, clock } = cell.context;
  const { id, text, data, cols, rows } = request;
  const key = requestKey(id && `${cell.key.id}:${id}`, undefined);
  // The size is how it is seen where it is typed, which may be another device when it is sent again.
  const hash = bodyHash({ text, data });
  const earlier = earlierAnswer<TerminalInputView>(store, owner, key, hash);
  if (earlier) return { result: earlier, committed: nothing };
  const { incarnation, terminal } = liveTerminal(cell);
  const bytes = data === undefined ? Buffer.from(text ?? '', 'utf8') : Buffer.from(data, 'base64');
  if (bytes.length > 0 && terminal.unread(incarnation.state) + bytes.length > MOST_UNREAD)
    throw new AppError('queue-full', `More than ${MOST_UNREAD} bytes wait to be typed into this terminal.`, { retryAfter: 2 });
  const commands: TerminalCommand[] = [];
  const size = terminal.size(incarnation.state);
  if (cols !== undefined && rows !== undefined && (cols !== size.cols || rows !== size.rows)) commands.push({ kind: 'resize', cols, rows });
  if (bytes.length > 0) commands.push({ kind: 'input', data: bytes.toString('base64') });
  const cursor = store.events.head(cell.key.num)?.head_seq ?? 0;
  const result = { success: true as const, sessionId: cell.key.id, bytes: bytes.length, cursor };
  const committed = tell(cell, incarnation, encodeAll(terminal, incarnation.state, commands), () => {
    const now = clock.now();
    store.sessions.update(cell.key.num, { last_activity_at: now, warned_at: null });
    if (key === null) return;
    const row = { owner, key, body_hash: hash, session_id: cell.key.id, turn_id: null, created_at: now };
    store.idempotency.insert({ ...row, response: JSON.stringify(result) });
  });
  return { result, committed };
}

function encodeAll(terminal: TerminalSide, before: unknown, commands: readonly TerminalCommand[]): { lines: string[]; state: unknown } {
  const lines: string[] = [];
  let state = before;
  for (const command of commands) {
    const encoded = terminal.encode(command, state);
    lines.push(...encoded.lines);
    state = encoded.state;
  }
  return { lines, state };
}
