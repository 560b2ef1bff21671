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
  { kind: 'paused', was: { kind: 'ready' } },
  { kind: 'paused', was: { kind: 'working', turnId: 't' } },
  { kind: 'paused', was: { kind: 'waiting', turnId: 't' } },
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
  { kind: 'pause' },
  { kind: 'resume' },
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
      const name = (of: SessionState): string =>
        of.kind === 'starting' && of.turnId !== null ? 'starting+turn' : of.kind === 'paused' ? `paused+${of.was.kind}` : of.kind;
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
        "ready --pause--> paused+ready",
        "ready --stop--> stopping",
        "ready --exited--> dormant",
        "working --turn-waits--> waiting",
        "working --turn-ended--> ready [dispatch]",
        "working --pause--> paused+working",
        "working --stop--> stopping",
        "working --exited--> dormant",
        "waiting --turn-goes-on--> working",
        "waiting --turn-ended--> ready [dispatch]",
        "waiting --pause--> paused+waiting",
        "waiting --stop--> stopping",
        "waiting --exited--> dormant",
        "paused+ready --turn-written--> paused+working",
        "paused+ready --resume--> ready [dispatch]",
        "paused+ready --stop--> stopping",
        "paused+ready --exited--> dormant",
        "paused+working --turn-waits--> paused+waiting",
        "paused+working --turn-ended--> paused+ready",
        "paused+working --resume--> working",
        "paused+working --stop--> stopping",
        "paused+working --exited--> dormant",
        "paused+waiting --turn-goes-on--> paused+working",
        "paused+waiting --turn-ended--> paused+ready",
        "paused+waiting --resume--> waiting",
        "paused+waiting --stop--> stopping",
        "paused+waiting --exited--> dormant",
        "stopping --exited--> dormant",
        "failed --start--> starting [launch]",
      ]
    `);
  });

  it('[SE41] asks for a process only where there is none, so that a session never has two', () => {
    for (const state of states.filter(isLive)) expect(transition(state, { kind: 'start' })).toEqual({ state, effects: [] });
  });

  it('[PS1] does nothing for a paused session that its agent would notice, whatever comes in', () => {
    for (const state of states.filter(({ kind }) => kind === 'paused'))
      for (const input of inputs.filter(({ kind }) => kind !== 'resume')) expect(transition(state, input).effects).toEqual([]);
  });

  it('[SE42] ends without a process whatever state its process dies in', () => {
    for (const state of states.filter(isLive)) expect(isLive(transition(state, { kind: 'exited' }).state)).toBe(false);
  });
});
