import type { ExitReason } from '../../contracts/events.ts';
import { AppError } from '../../platform/app-error.ts';
import type { Cell } from '../cell.ts';
import { commit } from '../cell.ts';
import { failOpenTurns } from './restart-policy.ts';
import { isPausable } from '../session-state.ts';

/** Stores why the process will be ended, before the first signal, and cancels what waits. True when there is a process. */
export function recordStop(cell: Cell, reason: ExitReason): boolean {
  const { incarnation, context } = cell;
  commit(cell, (recording) => {
    if (incarnation) context.store.incarnations.setEndReason(incarnation.id, reason);
    // From here on nobody can allow what will not be done.
    recording.withdrawRequests('stopped');
    failOpenTurns(cell, recording, { state: 'cancelled' });
    if (incarnation) recording.moveSession({ kind: 'stop', reason });
  });
  return incarnation !== null;
}

/** Why we end a process that nobody asked to end. */
export type EndDecision =
  /** It has nothing to do; the conversation can be resumed. Does not apply to one that has. */
  | { kind: 'hibernate'; reason: ExitReason }
  /** It went beyond a limit: hibernated if idle, else its turn fails with this reason as its code. */
  | { kind: 'limit'; reason: ExitReason; detail: string }
  /** It was not used for long, or shows no sign of life: hibernated if idle, else its turn is interrupted. `holds`: nothing has happened since. */
  | { kind: 'give-up'; reason: ExitReason; holds: () => boolean };

/** Stores a decision before the first signal; messages that wait stay. */
export function recordDecision(cell: Cell, decision: EndDecision): 'idle' | 'busy' | 'does-not-apply' {
  const { incarnation, turn, state, context } = cell;
  if (!incarnation || state.kind === 'stopping') return 'does-not-apply';
  // What runs in a terminal is not to be had again.
  if (decision.kind === 'hibernate' && incarnation.driver.terminal) return 'does-not-apply';
  if (decision.kind === 'give-up' && !decision.holds()) return 'does-not-apply';
  const idle = turn === null && (state.kind === 'ready' || (state.kind === 'paused' && state.was.kind === 'ready'));
  if (!idle && decision.kind === 'hibernate') return 'does-not-apply';
  commit(cell, (recording) => {
    context.store.incarnations.setEndReason(incarnation.id, decision.reason);
    recording.withdrawRequests('stopped');
    if (decision.kind === 'limit') recording.endTurn({ state: 'failed', code: decision.reason, detail: decision.detail });
    recording.moveSession({ kind: 'stop', reason: decision.reason });
  });
  return idle ? 'idle' : 'busy';
}

/** Stores that a process is paused, before the first signal. Throws `session-busy` where there is nothing to pause. */
export function recordPause(cell: Cell): void {
  if (cell.state.kind === 'paused') return;
  if (!isPausable(cell.state)) throw new AppError('session-busy', `A session that is ${cell.state.kind} cannot be paused.`);
  commit(cell, (recording) => {
    recording.moveSession({ kind: 'pause' });
    recording.add({ channel: 'session', kind: 'session.paused', data: {} });
  });
}

/** Stores that a process goes on; what waited is then dispatched. */
export function recordResume(cell: Cell): readonly 'dispatch'[] {
  if (cell.state.kind !== 'paused') return [];
  const effects = commit(cell, (recording) => {
    recording.moveSession({ kind: 'resume' });
    recording.add({ channel: 'session', kind: 'session.resumed', data: {} });
  });
  return effects.filter((effect) => effect === 'dispatch');
}
