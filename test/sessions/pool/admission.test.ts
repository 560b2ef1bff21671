import { describe, expect, it } from 'vitest';
import { canJoin, isIdle, schedule, type Holder } from '../../../server/sessions/pool/admission.ts';
import { Random, seedOf } from '../../support/kill-random.ts';

const states = ['starting', 'ready', 'ready', 'ready', 'working', 'waiting', 'paused', 'stopping'] as const;

function holder(id: string, change: Partial<Holder> = {}): Holder {
  return { id, state: 'ready', spare: false, openTurns: 0, usedAt: 0, ...change };
}

function randomHolders(random: Random, count: number): Holder[] {
  return Array.from({ length: count }, (_, index) => {
    const state = states[random.below(states.length)] ?? 'ready';
    const openTurns = state === 'working' || state === 'waiting' ? 1 : Number(random.below(5) === 0);
    return holder(`s${index}`, { state, openTurns, spare: random.below(4) === 0, usedAt: random.below(50) });
  });
}

describe('admission', () => {
  it('[PO1] starts those that wait as long as there are free slots, and makes room for the rest', () => {
    expect(schedule([], 2, 3)).toEqual({ start: 2, evict: [] });
    expect(schedule([holder('a')], 2, 3)).toEqual({ start: 1, evict: ['a'] });
    expect(schedule([holder('a'), holder('b')], 2, 0)).toEqual({ start: 0, evict: [] });
  });

  it('[PO2] the least recently used goes first, spares before all', () => {
    const holders = [holder('new', { usedAt: 9 }), holder('old', { usedAt: 1 }), holder('spare', { spare: true, usedAt: 20 })];
    expect(schedule(holders, 3, 1).evict).toEqual(['spare']);
    expect(schedule(holders, 3, 2).evict).toEqual(['spare', 'old']);
  });

  it('[PO3] a process that has something to do, starts, or is paused is never ended for another', () => {
    const busy = [
      holder('starting', { state: 'starting' }),
      holder('working', { state: 'working', openTurns: 1 }),
      holder('waiting', { state: 'waiting', openTurns: 1 }),
      holder('paused', { state: 'paused' }),
      holder('told', { openTurns: 1 }),
      holder('terminal', { keeps: true }),
    ];
    expect(schedule(busy, 6, 5)).toEqual({ start: 0, evict: [] });
  });

  it('[PO4] one that is leaving already makes room for one that waits', () => {
    expect(schedule([holder('leaving', { state: 'stopping' }), holder('idle')], 2, 1).evict).toEqual([]);
    expect(schedule([holder('leaving', { state: 'stopping' }), holder('idle')], 2, 2).evict).toEqual(['idle']);
  });

  it('[PO5] when the limit sinks, those beyond it go as far as they are idle', () => {
    const holders = [holder('a', { usedAt: 3 }), holder('b', { usedAt: 1 }), holder('c', { state: 'working', openTurns: 1 })];
    expect(schedule(holders, 1, 0)).toEqual({ start: 0, evict: ['b', 'a'] });
  });

  it('[PO6] somebody can join when a slot is free, when somebody can go for him, or when the queue has a place', () => {
    const working = [holder('a', { state: 'working', openTurns: 1 }), holder('b', { state: 'working', openTurns: 1 })];
    expect(canJoin([], 2, 0, 0)).toBe(true);
    expect(canJoin(working, 2, 0, 1)).toBe(true);
    expect(canJoin(working, 2, 1, 1)).toBe(false);
    expect(canJoin(working, 2, 0, 0)).toBe(false);
    expect(canJoin([holder('a'), ...working.slice(1)], 2, 0, 0)).toBe(true);
    expect(canJoin([holder('a'), ...working.slice(1)], 2, 1, 0)).toBe(false);
  });

  it.each([seedOf('ADMISSION_SEED')])('[PO7] whatever the pool looks like, nobody is wronged (seed %i, ADMISSION_SEED)', (seed) => {
    const random = new Random(seed);
    for (let round = 0; round < 5_000; round += 1) {
      const holders = randomHolders(random, random.below(12));
      const limit = 1 + random.below(10);
      const waiting = random.below(8);
      const { start, evict } = schedule(holders, limit, waiting);
      const evicted = holders.filter(({ id }) => evict.includes(id));
      const kept = holders.filter((each) => isIdle(each) && !evict.includes(each.id));
      const seen = JSON.stringify({ round, limit, waiting, holders, start, evict });
      // Never more starts than free slots or than wait, and no slot stays free while somebody waits.
      expect(start, seen).toBe(Math.min(waiting, Math.max(0, limit - holders.length)));
      // Never one with work, never one twice, never more than are needed.
      expect(evicted.every(isIdle), seen).toBe(true);
      expect(new Set(evict).size, seen).toBe(evicted.length);
      expect(evict.length, seen).toBeLessThanOrEqual(waiting - start + Math.max(0, holders.length - limit));
      // Nobody goes while a spare, or somebody who was used longer ago, may stay.
      const before = (one: Holder, other: Holder): boolean => (one.spare !== other.spare ? one.spare : one.usedAt < other.usedAt);
      for (const gone of evicted)
        expect(
          kept.some((stays) => before(stays, gone)),
          seen,
        ).toBe(false);
    }
  });
});
