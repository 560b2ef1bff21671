import type { ExitReason } from '../../contracts/events.ts';
import { isoTime } from '../../platform/clock.ts';
import type { Exit } from '../../process/journal-folder.ts';
import type { IncarnationRow } from '../../storage/incarnations-table.ts';
import type { SessionContext } from '../context.ts';
import { hasLostConversation } from './lost-conversation.ts';
import type { OpenTurn } from '../turns/open-turn.ts';
import type { Recording } from '../recording.ts';

/** What is known about a process that is gone, after its `out` was read to the end. */
export interface Ended {
  row: IncarnationRow;
  exit: Exit | null;
  /** What stood at the end of `out` without an LF. */
  rest: Buffer;
  /** Whether the agent printed anything at all. */
  silent: boolean;
  /** Bytes that stand in `in`. */
  inSize: number;
  /** Last lines of stderr. */
  stderr: string;
  /** Used where nobody asked for the end and nothing tells the cause. */
  fallback: ExitReason;
  /** What ran in a terminal has ended by itself, and said how. */
  finished?: boolean;
}

/** Records a process's end in one transaction: the exit, the turn that it was in, and what that means for the next start. */
export function recordExit(context: SessionContext, recording: Recording, session: { num: number; id: string }, ended: Ended): ExitReason {
  const { store } = context;
  const { row, exit } = ended;
  const refused = row.resumed === 1 && hasLostConversation(store.sessions.byNum(session.num));
  const reason = reasonOf(ended, refused);
  if (ended.rest.length > 0)
    recording.addToTurn('agent', 'unknown', {
      line: ended.rest.toString('utf8').slice(0, 262_144),
      truncated: ended.rest.length > 262_144,
    });
  if (recording.turn) {
    // Whoever stops a session does not want its message delivered by the next process.
    if (reason !== 'killed-by-user' && neverTaken(recording.turn, ended, refused)) store.turns.requeue(recording.turn.id);
    else recording.endTurn({ state: 'interrupted', reason });
    recording.turn = null;
  }
  recording.withdrawRequests('process-ended');
  const detail = reason === 'start-failed' && ended.stderr !== '' ? { detail: ended.stderr } : {};
  const data = { reason, exitCode: exit?.exitCode ?? null, signal: exit?.signal ?? null };
  recording.add({ channel: 'session', kind: 'session.exited', data: { ...data, ...detail } });
  store.sessions.update(session.num, { incarnation_id: null, last_exit: JSON.stringify({ ...data, at: isoTime(recording.now) }) });
  store.incarnations.end(row.id, reason, recording.now);
  recording.moveSession({ kind: 'exited' });
  return reason;
}

function reasonOf({ row, exit, fallback, finished }: Ended, refused: boolean): ExitReason {
  if (row.end_reason !== null) return row.end_reason as ExitReason;
  if (finished) return 'finished';
  if (exit === null) return fallback;
  return refused || row.ready_at === null ? 'start-failed' : 'crashed';
}

/** Proof that a turn's message was not acted upon: it never stood whole in `in`, the agent said nothing at all, or it refused to resume. */
function neverTaken(turn: OpenTurn, { silent, inSize }: Ended, refused: boolean): boolean {
  if (turn.state !== 'accepted' && turn.state !== 'written') return false;
  return refused || silent || (turn.lineEnd ?? 0) > inSize;
}
