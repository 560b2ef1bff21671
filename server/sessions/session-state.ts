import type { ExitReason } from '../contracts/events.ts';

/** Where a session is in its life. Each state has only its own fields. */
export type SessionState =
  | { kind: 'dormant' }
  /** `turnId`: a first message that was written before the agent said that it is ready. */
  | { kind: 'starting'; turnId: string | null }
  | { kind: 'ready' }
  | { kind: 'working'; turnId: string }
  | { kind: 'waiting'; turnId: string }
  | { kind: 'stopping'; reason: ExitReason }
  | { kind: 'failed'; code: string; detail: string }
  | { kind: 'archived' };

export type SessionInput =
  | { kind: 'start' }
  | { kind: 'ready' }
  | { kind: 'turn-written'; turnId: string }
  | { kind: 'turn-waits' }
  | { kind: 'turn-goes-on' }
  | { kind: 'turn-ended' }
  | { kind: 'stop'; reason: ExitReason }
  | { kind: 'exited' }
  | { kind: 'start-failed'; code: string; detail: string };

/** What a transition asks its session to do. */
export type SessionEffect = 'launch' | 'dispatch';

export interface SessionTransition {
  state: SessionState;
  effects: readonly SessionEffect[];
}

/** Whether a session in this state holds one of the pool's slots. */
export function isLive(state: SessionState): boolean {
  return state.kind !== 'dormant' && state.kind !== 'failed' && state.kind !== 'archived';
}

const stay = (state: SessionState): SessionTransition => ({ state, effects: [] });

/** The session's whole life. An input that does not fit a state changes nothing. */
export function transition(state: SessionState, input: SessionInput): SessionTransition {
  switch (input.kind) {
    case 'start':
      return state.kind === 'dormant' || state.kind === 'failed'
        ? { state: { kind: 'starting', turnId: null }, effects: ['launch'] }
        : stay(state);
    case 'ready':
      if (state.kind !== 'starting') return stay(state);
      return state.turnId === null ? { state: { kind: 'ready' }, effects: ['dispatch'] } : stay({ kind: 'working', turnId: state.turnId });
    case 'turn-written':
      if (state.kind === 'starting') return stay({ kind: 'starting', turnId: input.turnId });
      return state.kind === 'ready' ? stay({ kind: 'working', turnId: input.turnId }) : stay(state);
    case 'turn-waits':
      return state.kind === 'working' ? stay({ kind: 'waiting', turnId: state.turnId }) : stay(state);
    case 'turn-goes-on':
      return state.kind === 'waiting' ? stay({ kind: 'working', turnId: state.turnId }) : stay(state);
    case 'turn-ended':
      if (state.kind === 'starting') return { state: { kind: 'starting', turnId: null }, effects: ['dispatch'] };
      return state.kind === 'working' || state.kind === 'waiting' ? { state: { kind: 'ready' }, effects: ['dispatch'] } : stay(state);
    case 'stop':
      if (!isLive(state) || state.kind === 'stopping') return stay(state);
      return stay({ kind: 'stopping', reason: input.reason });
    case 'exited':
      return isLive(state) ? stay({ kind: 'dormant' }) : stay(state);
    case 'start-failed':
      return state.kind === 'dormant' || state.kind === 'starting'
        ? stay({ kind: 'failed', code: input.code, detail: input.detail })
        : stay(state);
  }
}
