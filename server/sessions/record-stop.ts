import type { ExitReason } from '../contracts/events.ts';
import type { Cell } from './cell.ts';
import { commit } from './cell.ts';
import { failOpenTurns } from './restart-policy.ts';

/** Stores why the process will be ended, before the first signal, and cancels what waits. True when there is a process. */
export function recordStop(cell: Cell, reason: ExitReason): boolean {
  const { incarnation, context } = cell;
  commit(cell, (recording) => {
    if (incarnation) context.store.incarnations.setEndReason(incarnation.id, reason);
    failOpenTurns(cell, recording, { state: 'cancelled' });
    if (incarnation) recording.moveSession({ kind: 'stop', reason });
  });
  return incarnation !== null;
}

/** The same for a process with nothing to do, which may be resumed; false when it has something to do after all. */
export function recordHibernation(cell: Cell, reason: ExitReason): boolean {
  const { incarnation, turn, state, context } = cell;
  if (!incarnation || turn || state.kind !== 'ready') return false;
  commit(cell, (recording) => {
    context.store.incarnations.setEndReason(incarnation.id, reason);
    recording.moveSession({ kind: 'stop', reason });
  });
  return true;
}
