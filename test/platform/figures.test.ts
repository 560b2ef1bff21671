import { describe, expect, it } from 'vitest';
import { quantile } from '../../server/platform/quantile.ts';
import { RecentRate } from '../../server/platform/recent-rate.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('a percentile of a histogram', () => {
  const buckets = [
    { upTo: 1, count: 0 },
    { upTo: 2, count: 50 },
    { upTo: 4, count: 90 },
    { upTo: Infinity, count: 100 },
  ];

  it('[FG8] lies in its bucket, as far in as its rank', () => {
    expect(quantile(buckets, 0.5)).toBe(2);
    expect(quantile(buckets, 0.25)).toBe(1.5);
    expect(quantile(buckets, 0.7)).toBe(3);
  });

  it('[FG8] is the last bound for what is beyond it, and null where nothing was measured', () => {
    expect(quantile(buckets, 0.99)).toBe(4);
    expect(quantile([{ upTo: 1, count: 0 }], 0.5)).toBeNull();
    expect(quantile([], 0.5)).toBeNull();
  });
});

describe('a rate over the last minute', () => {
  it('[FG9] counts what happened in it and forgets what is older, second by second', () => {
    const clock = new FakeClock();
    const rate = new RecentRate(clock);
    rate.add(60);
    expect(rate.perSecond).toBe(60);
    clock.advance(9_000);
    expect(rate.perSecond).toBe(6);
    clock.advance(50_000);
    rate.add(60);
    expect(rate.perSecond).toBe(2);
    clock.advance(1_000);
    expect(rate.perSecond).toBe(1);
    clock.advance(3_600_000);
    expect(rate.perSecond).toBe(0);
  });
});
