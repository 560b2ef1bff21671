import { describe, expect, it } from 'vitest';
import type { SessionInput, SessionState } from '../../server/sessions/session-state.ts';
import { isLive, transition } from '../../server/sessions/session-state.ts';

const states: SessionState[] = [
  { kind: 'dormant' },
  { kind: 'starting', turnId: null },
  { kind: 'starting', turnId: 't' },
  { kind: 'ready' },
  { kind: 'working', turnId: 't' },
  { kind: 'waiting', turnId: 't' },
  { kind: 'stopping', reason: 'killed-by-user' },
  { kind: 'failed', code: 'start-failed', detail: 'no' },
  { kind: 'archived' },
];
const inputs: SessionInput[] = [
  { kind: 'start' },
  { kind: 'ready' },
  { kind: 'turn-written', turnId: 't' },
  { kind: 'turn-waits' },
  { kind: 'turn-goes-on' },
  { kind: 'turn-ended' },
  { kind: 'stop', reason: 'killed-by-user' },
  { kind: 'exited' },
  { kind: 'start-failed', code: 'start-failed', detail: 'no' },
];

/** Every transition that changes something, as `state --input--> state [effects]`. */
function table(): string[] {
  return states.flatMap((state) =>
    inputs.flatMap((input) => {
      const next = transition(state, input);
      const same = JSON.stringify(next.state) === JSON.stringify(state);
      const name = (of: SessionState): string => (of.kind === 'starting' && of.turnId !== null ? 'starting+turn' : of.kind);
      return same
        ? []
        : `${name(state)} --${input.kind}--> ${name(next.state)}${next.effects.length > 0 ? ` [${next.effects.join()}]` : ''}`;
    }),
  );
}

describe('the session machine', () => {
  it('[SE40] has these transitions and no others', () => {
    expect(table()).toMatchInlineSnapshot(`
      [
        "dormant --start--> starting [launch]",
        "dormant --start-failed--> failed",
        "starting --ready--> ready [dispatch]",
        "starting --turn-written--> starting+turn",
        "starting --stop--> stopping",
        "starting --exited--> dormant",
        "starting --start-failed--> failed",
        "starting+turn --ready--> working",
        "starting+turn --turn-ended--> starting [dispatch]",
        "starting+turn --stop--> stopping",
        "starting+turn --exited--> dormant",
        "starting+turn --start-failed--> failed",
        "ready --turn-written--> working",
        "ready --stop--> stopping",
        "ready --exited--> dormant",
        "working --turn-waits--> waiting",
        "working --turn-ended--> ready [dispatch]",
        "working --stop--> stopping",
        "working --exited--> dormant",
        "waiting --turn-goes-on--> working",
        "waiting --turn-ended--> ready [dispatch]",
        "waiting --stop--> stopping",
        "waiting --exited--> dormant",
        "stopping --exited--> dormant",
        "failed --start--> starting [launch]",
      ]
    `);
  });

  it('[SE41] asks for a process only where there is none, so that a session never has two', () => {
    for (const state of states.filter(isLive)) expect(transition(state, { kind: 'start' })).toEqual({ state, effects: [] });
  });

  it('[SE42] ends without a process whatever state its process dies in', () => {
    for (const state of states.filter(isLive)) expect(isLive(transition(state, { kind: 'exited' }).state)).toBe(false);
  });
});
