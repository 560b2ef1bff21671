import type { DriverCommand, MessagePart, PermissionMode } from '../../agents/driver.ts';
import type { DataOf } from '../../contracts/events.ts';
import { AppError, isDiskFull, messageOf } from '../../platform/app-error.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { TurnRow } from '../../storage/turns-table.ts';
import type { Cell, Committed } from '../cell.ts';
import { commit, tell } from '../cell.ts';
import type { Incarnation, PendingLine } from '../lifecycle/incarnation.ts';
import { openTurn } from './open-turn.ts';
import type { SessionEffect } from '../session-state.ts';
import type { TurnInput } from './turn-input.ts';
import { messageParts } from './turn-input.ts';

/** Whether the agent can take a message now: at most one unfinished turn is inside it. */
export function canDispatch(cell: Cell): boolean {
  if (!cell.incarnation || cell.turn) return false;
  return cell.state.kind === 'ready' || (cell.state.kind === 'starting' && cell.incarnation.driver.capabilities.earlyMessage);
}

/** Records the next accepted turn's lines for the agent, in one transaction with the driver's and the turn's state. */
export async function dispatchNext(cell: Cell): Promise<Committed> {
  const { store, probe, newId } = cell.context;
  const incarnation = cell.incarnation;
  const nothing = { pending: [], effects: [] };
  if (!incarnation || !canDispatch(cell)) return nothing;
  const row = store.turns.open(cell.key.num)[0];
  const stored = row && store.turns.inputOf(row.id);
  const session = store.sessions.byNum(cell.key.num);
  if (!row || !stored || !session) return nothing;
  const input = JSON.parse(stored) as TurnInput;
  const agentMessageId = row.attempts === 0 ? row.id : newId();
  // Without files there is nothing to wait for: the line is in `in` before the request is answered.
  const parts = input.attachments.length === 0 ? [] : await storeParts(incarnation, row.id, input);
  if (parts instanceof AppError) return { pending: [], effects: failUnsent(cell, row, parts) };
  const command: DriverCommand = { kind: 'message', turnId: row.id, agentMessageId, text: input.text, parts };
  const encoded = encodeAll([...manner(incarnation, session), command], incarnation);
  if (!encoded.ok) return { pending: [], effects: failUnsent(cell, row, encoded.error) };
  const { effects, pending } = tell(cell, incarnation, encoded, (recording, lines) => {
    const line = lines.at(-1);
    const offset = line?.offset ?? incarnation.inSize;
    const length = line?.bytes.length ?? 0;
    store.incarnations.setManner(incarnation.id, session);
    store.turns.dispatch(row.id, incarnation.id, agentMessageId, offset, length);
    recording.turn = { ...openTurn(row), lineEnd: offset + length };
    for (const notice of encoded.notices) recording.addToTurn('agent', 'notice', notice);
    recording.moveSession({ kind: 'turn-written', turnId: row.id });
  });
  incarnation.mode = session.mode;
  incarnation.model = session.model;
  incarnation.effort = session.effort;
  probe('recorded');
  const last = pending.length - 1;
  return { pending: pending.map((line, index) => (index === last ? { ...line, turnId: row.id } : line)), effects };
}

/** The message's files; an AppError when they can't be stored for another reason than a full disk, which passes. */
async function storeParts(incarnation: Incarnation, turnId: string, input: TurnInput): Promise<MessagePart[] | AppError> {
  try {
    return await messageParts(incarnation, turnId, input);
  } catch (error) {
    if (isDiskFull(error)) throw error;
    return new AppError('bad-attachment', `An attachment could not be stored: ${messageOf(error)}.`, { cause: error });
  }
}

/** Notes that a line stands in `in`; a turn's message is now `written`. */
export function markWritten(cell: Cell, incarnation: Incarnation, line: PendingLine): void {
  commit(cell, (recording) => {
    cell.context.store.incarnations.clearLine(incarnation.id, line.offset);
    if (line.turnId !== undefined && line.turnId === recording.turn?.id) recording.moveTurn({ kind: 'written' });
  });
  if (line.turnId !== undefined) cell.context.probe('marked');
}

/** What has to be said first so that the agent's mode, model and effort are the session's. */
function manner(incarnation: Incarnation, session: SessionRow): DriverCommand[] {
  const commands: DriverCommand[] = [];
  if (incarnation.mode !== session.mode) commands.push({ kind: 'setMode', mode: session.mode as PermissionMode });
  if (incarnation.model !== session.model) commands.push({ kind: 'setModel', model: session.model });
  if (incarnation.effort !== session.effort) commands.push({ kind: 'setEffort', effort: session.effort });
  return commands;
}

type EncodedAll = { ok: true; lines: string[]; state: unknown; notices: DataOf<'notice'>[] } | { ok: false; error: AppError };

function encodeAll(commands: readonly DriverCommand[], incarnation: Incarnation): EncodedAll {
  const lines: string[] = [];
  const notices: DataOf<'notice'>[] = [];
  let state = incarnation.state;
  for (const command of commands) {
    try {
      const encoded = incarnation.driver.encode(command, state);
      lines.push(...encoded.lines);
      notices.push(...(encoded.notices ?? []));
      state = encoded.state;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // An agent without modes, models or efforts keeps its own, which is said; a message that it can't take fails its turn.
      if (command.kind === 'message') return { ok: false, error };
      notices.push({ code: error.code, detail: error.message });
    }
  }
  return { ok: true, lines, state, notices };
}

function failUnsent(cell: Cell, row: TurnRow, error: AppError): SessionEffect[] {
  commit(cell, (recording) => recording.endQueued(row.id, { state: 'failed', code: error.code, detail: error.message }));
  return ['dispatch'];
}
