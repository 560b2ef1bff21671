import type { ExitReason } from '../contracts/events.ts';

/** Where a session is in its life. Each state has only its own fields. */
export type SessionState =
  | { kind: 'dormant' }
  /** `turnId`: a first message that was written before the agent said that it is ready. */
  | { kind: 'starting'; turnId: string | null }
  | { kind: 'ready' }
  | { kind: 'working'; turnId: string }
  | { kind: 'waiting'; turnId: string }
  /** SIGSTOP; `was` goes on when it is resumed, and follows what the agent had still said. */
  | { kind: 'paused'; was: Pausable }
  | { kind: 'stopping'; reason: ExitReason }
  | { kind: 'failed'; code: string; detail: string }
  | { kind: 'archived' };

/** States in which a session can be paused. */
export type Pausable = { kind: 'ready' } | { kind: 'working'; turnId: string } | { kind: 'waiting'; turnId: string };

export type SessionInput =
  | { kind: 'start' }
  | { kind: 'ready' }
  | { kind: 'turn-written'; turnId: string }
  | { kind: 'turn-waits' }
  | { kind: 'turn-goes-on' }
  | { kind: 'turn-ended' }
  | { kind: 'pause' }
  | { kind: 'resume' }
  | { kind: 'stop'; reason: ExitReason }
  | { kind: 'exited' }
  | { kind: 'archive' }
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
  if (state.kind === 'paused') return whilePaused(state.was, input);
  switch (input.kind) {
    case 'pause':
      return isPausable(state) ? stay({ kind: 'paused', was: state }) : stay(state);
    case 'resume':
      return stay(state);
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
    case 'archive':
      return state.kind === 'dormant' || state.kind === 'failed' ? stay({ kind: 'archived' }) : stay(state);
    case 'start-failed':
      return state.kind === 'dormant' || state.kind === 'starting'
        ? stay({ kind: 'failed', code: input.code, detail: input.detail })
        : stay(state);
  }
}

/** Whether a session in this state can be paused. */
export function isPausable(state: SessionState): state is Pausable {
  return state.kind === 'ready' || state.kind === 'working' || state.kind === 'waiting';
}

/** What an agent said before it was stopped may still come in; what is to be done about it waits. */
function whilePaused(was: Pausable, input: SessionInput): SessionTransition {
  if (input.kind === 'resume') return { state: was, effects: was.kind === 'ready' ? ['dispatch'] : [] };
  const { state } = transition(was, input);
  return stay(isPausable(state) ? { kind: 'paused', was: state } : state);
}
