import { describe, expect, it } from 'vitest';
import { isQuiet, keepAliveOf, messageTo, SESSIONS, TICKS_PER_HOUR } from '../../bench/day/schedule.ts';

const day = Array.from({ length: 24 * TICKS_PER_HOUR }, (_, index) => index + 1);
const sessions = Array.from({ length: SESSIONS }, (_, index) => index);

describe('the simulated day of the benchmark', () => {
  it('leaves each session alone once, for more than an hour, and nobody in the first hour or the last', () => {
    for (const session of sessions) {
      const quiet = day.filter((tick) => isQuiet(session, tick));
      expect((quiet.at(-1) ?? 0) - (quiet[0] ?? 0) + 1).toBe(quiet.length);
      expect(quiet.length).toBeGreaterThan(TICKS_PER_HOUR);
      expect(quiet[0]).toBeGreaterThan(TICKS_PER_HOUR);
      expect(quiet.at(-1)).toBeLessThan(23 * TICKS_PER_HOUR);
    }
  });

  it('gives each session a message every five minutes and a sign of life every hour, unless it is left alone', () => {
    for (const session of sessions) {
      const messages = day.filter((tick) => messageTo(tick) === session);
      const signs = day.filter((tick) => keepAliveOf(tick) === session);
      for (const tick of [...messages, ...signs]) expect(isQuiet(session, tick)).toBe(false);
      expect(messages.length).toBeGreaterThan(12 * 22);
      expect(signs.length).toBeGreaterThanOrEqual(22);
    }
  });
});
