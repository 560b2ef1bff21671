import { describe, expect, it } from 'vitest';
import { TurnState } from '../../../server/contracts/state.ts';
import type { TurnInput } from '../../../server/sessions/turns/turn-state.ts';
import { transition } from '../../../server/sessions/turns/turn-state.ts';

function ladder(inputs: TurnInput[]): string[] {
  let state: TurnState = 'accepted';
  return inputs.flatMap((input) => {
    const next = transition(state, input);
    state = next.state;
    return [...next.steps];
  });
}

describe('the turn machine', () => {
  it('[SE43] logs every rung of the delivery ladder once, in order', () => {
    expect(ladder([{ kind: 'written' }, { kind: 'acknowledged' }, { kind: 'started' }])).toEqual([
      'turn.written',
      'turn.acknowledged',
      'turn.started',
    ]);
  });

  it('[SE44] takes the rungs that an agent skipped before the one that it reached', () => {
    expect(ladder([{ kind: 'started' }])).toEqual(['turn.written', 'turn.acknowledged', 'turn.started']);
    expect(ladder([{ kind: 'waits' }])).toEqual(['turn.written', 'turn.acknowledged', 'turn.started', 'turn.waiting']);
  });

  it('[SE45] ignores a rung that was passed already', () => {
    expect(ladder([{ kind: 'started' }, { kind: 'written' }, { kind: 'acknowledged' }, { kind: 'started' }])).toHaveLength(3);
  });

  it('[SE46] waits and goes on', () => {
    const steps = ladder([{ kind: 'started' }, { kind: 'waits' }, { kind: 'waits' }, { kind: 'goes-on' }, { kind: 'goes-on' }]);
    expect(steps.slice(3)).toEqual(['turn.waiting', 'turn.resumed']);
  });

  it('[SE47] never leaves a final state', () => {
    const inputs: TurnInput[] = [
      { kind: 'written' },
      { kind: 'started' },
      { kind: 'waits' },
      { kind: 'goes-on' },
      { kind: 'ended', state: 'failed' },
    ];
    for (const state of TurnState.extract(['completed', 'failed', 'cancelled', 'interrupted']).options) {
      for (const input of inputs) expect(transition(state, input)).toEqual({ state, steps: [] });
    }
  });
});
