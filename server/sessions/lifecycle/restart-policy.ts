import type { ExitReason } from '../../contracts/events.ts';
import type { Cell } from '../cell.ts';
import { commit } from '../cell.ts';
import type { Ending, Recording } from '../recording.ts';

/** Starts in a row, without a turn that ended between them, after which a session gives up. */
const MAX_FAILURES = 3;
const BACKOFF_MS = 250;

/** What a session does after its process ended. */
export type Plan = { kind: 'rest' } | { kind: 'restart'; afterMs: number };

/** Whether an end counts towards giving up: one that nobody asked for, or that a limit asked for and the next process may meet again. */
export function isFailure(reason: ExitReason): boolean {
  return ['crashed', 'start-failed', 'lost', 'memory-limit', 'cpu-limit', 'stalled'].includes(reason);
}

/** Messages that wait are a reason to start again, a few times, ever later; then they fail with what the agent said. */
export function afterExit(cell: Cell, { reason, stderr, failures }: { reason: ExitReason; stderr: string; failures: number }): Plan {
  const { store } = cell.context;
  const waiting = store.turns.openCount(cell.key.num) > 0;
  if (failures < MAX_FAILURES) return waiting ? { kind: 'restart', afterMs: backoff(failures) } : { kind: 'rest' };
  const session = store.sessions.byNum(cell.key.num);
  const exit = session?.last_exit ? (JSON.parse(session.last_exit) as { exitCode: number | null; signal: string | null }) : null;
  const how = exit?.signal ? `by ${exit.signal}` : `with exit code ${exit?.exitCode ?? 'unknown'}`;
  const code = reason === 'crashed' || reason === 'lost' ? 'start-failed' : reason;
  const said = stderr === '' ? '' : ` It said: ${stderr}`;
  giveUp(cell, code, `The agent ended ${how} ${failures} times in a row; send a message to try again.${said}`);
  return { kind: 'rest' };
}

/** A start that failed before there was a process. */
export function afterStartFailure(
  cell: Cell,
  failed: { incarnationId: string | null; code: string; detail: string; failures: number },
): Plan {
  const { store } = cell.context;
  const retry =
    (failed.code === 'start-failed' || failed.code === 'timed-out') &&
    failed.failures < MAX_FAILURES &&
    store.turns.openCount(cell.key.num) > 0;
  commit(cell, (recording) => {
    if (failed.incarnationId !== null) {
      store.incarnations.end(failed.incarnationId, 'start-failed', recording.now);
      recording.add({
        channel: 'session',
        kind: 'session.exited',
        data: { reason: 'start-failed', exitCode: null, signal: null, detail: failed.detail },
      });
    }
    store.sessions.update(cell.key.num, { incarnation_id: null });
    recording.moveSession({ kind: 'exited' });
  });
  if (retry) return { kind: 'restart', afterMs: backoff(failed.failures) };
  giveUp(cell, failed.code, failed.detail);
  return { kind: 'rest' };
}

function giveUp(cell: Cell, code: string, detail: string): void {
  commit(cell, (recording) => {
    failOpenTurns(cell, recording, { state: 'failed', code, detail });
    recording.add({ channel: 'session', kind: 'session.failed', data: { code, detail } });
    recording.moveSession({ kind: 'start-failed', code, detail });
  });
}

/** Ends every message that waits; the turn inside the agent, if any, ends with its process. */
export function failOpenTurns(cell: Cell, recording: Recording, ending: Exclude<Ending, { state: 'completed' }>): void {
  for (const turn of cell.context.store.turns.open(cell.key.num)) if (turn.id !== cell.turn?.id) recording.endQueued(turn.id, ending);
}

function backoff(failures: number): number {
  return failures === 0 ? 0 : BACKOFF_MS * 4 ** (failures - 1);
}
