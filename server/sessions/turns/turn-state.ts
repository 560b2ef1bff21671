import type { FinalTurnState, TurnState } from '../../contracts/state.ts';

export type TurnInput =
  | { kind: 'written' }
  | { kind: 'acknowledged' }
  | { kind: 'started' }
  | { kind: 'waits' }
  | { kind: 'goes-on' }
  | { kind: 'ended'; state: FinalTurnState };

/** Steps of the delivery ladder that a transition took, in order; each becomes an event. */
export type TurnStep = 'turn.written' | 'turn.acknowledged' | 'turn.started' | 'turn.waiting' | 'turn.resumed';

export interface TurnTransition {
  state: TurnState;
  steps: readonly TurnStep[];
}

const ladder = ['accepted', 'written', 'acknowledged', 'running'] as const;
const stepOf = { written: 'turn.written', acknowledged: 'turn.acknowledged', running: 'turn.started' } as const;
type Rung = (typeof ladder)[number];

/** A turn's life. A step that was skipped is taken first, so that the ladder has no missing rung; one that came before is nothing new. */
export function transition(state: TurnState, input: TurnInput): TurnTransition {
  switch (input.kind) {
    case 'written':
      return climb(state, 'written');
    case 'acknowledged':
      return climb(state, 'acknowledged');
    case 'started':
      return climb(state, 'running');
    case 'waits': {
      if (state === 'waiting' || !isOnLadder(state)) return { state, steps: [] };
      return { state: 'waiting', steps: [...climb(state, 'running').steps, 'turn.waiting'] };
    }
    case 'goes-on':
      return state === 'waiting' ? { state: 'running', steps: ['turn.resumed'] } : { state, steps: [] };
    case 'ended':
      return isOnLadder(state) || state === 'waiting' ? { state: input.state, steps: [] } : { state, steps: [] };
  }
}

function isOnLadder(state: TurnState): state is Rung {
  return (ladder as readonly TurnState[]).includes(state);
}

function climb(state: TurnState, to: 'written' | 'acknowledged' | 'running'): TurnTransition {
  if (!isOnLadder(state)) return { state, steps: [] };
  const rungs = ladder.slice(ladder.indexOf(state) + 1, ladder.indexOf(to) + 1);
  return { state: rungs.at(-1) ?? state, steps: rungs.map((rung) => stepOf[rung as keyof typeof stepOf]) };
}
