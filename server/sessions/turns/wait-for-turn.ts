import type { SessionContext } from '../context.ts';
import { isFinal } from '../../contracts/state.ts';
import type { TurnState } from '../../contracts/state.ts';

/** Resolves to true when the turn has ended, to false after `milliseconds` or when `signal` says that nobody waits any more. */
export function waitForTurn(
  context: SessionContext,
  sessionId: string,
  turnId: string,
  milliseconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  const hasEnded = (): boolean => {
    const turn = context.store.turns.byId(turnId);
    return !turn || isFinal(turn.state as TurnState);
  };
  return new Promise((resolve) => {
    const settle = (ended: boolean): void => {
      unsubscribe();
      timer.cancel();
      signal.removeEventListener('abort', abandon);
      resolve(ended);
    };
    const abandon = (): void => settle(false);
    const unsubscribe = context.log.subscribe(sessionId, (events) => {
      if (events.some((event) => event.turnId === turnId && event.channel === 'turn') && hasEnded()) settle(true);
    });
    const timer = context.clock.after(milliseconds, abandon);
    signal.addEventListener('abort', abandon);
    if (hasEnded()) settle(true);
    else if (signal.aborted) settle(false);
  });
}
