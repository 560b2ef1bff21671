import { z } from 'zod';

/** Where a session is in its life. `dormant` has no process and can be woken at any time. */
export const SessionState = z.enum(['dormant', 'starting', 'ready', 'working', 'waiting', 'paused', 'stopping', 'failed', 'archived']);
export type SessionState = z.infer<typeof SessionState>;

/** How far a turn has come. */
export const TurnState = z.enum([
  'accepted',
  'written',
  'acknowledged',
  'running',
  'waiting',
  'completed',
  'failed',
  'cancelled',
  'interrupted',
]);
export type TurnState = z.infer<typeof TurnState>;

/** States that a turn never leaves. */
export const FinalTurnState = TurnState.extract(['completed', 'failed', 'cancelled', 'interrupted']);
export type FinalTurnState = z.infer<typeof FinalTurnState>;

/** Whether a turn has its typed outcome. */
export function isFinal(state: TurnState): state is FinalTurnState {
  return FinalTurnState.safeParse(state).success;
}

/** What an agent may do without asking. */
export const PermissionMode = z.enum(['ask', 'accept-edits', 'plan', 'auto']);
export type PermissionMode = z.infer<typeof PermissionMode>;
