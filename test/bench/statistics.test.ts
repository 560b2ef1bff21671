import { describe, expect, it } from 'vitest';
import { textTable, verdict, type Row } from '../../bench/report.ts';
import { gaps, median, percentile, slope } from '../../bench/statistics.ts';
import { tokenTimes } from '../../bench/timed-answer.ts';

describe('the statistics of the benchmark', () => {
  it('takes percentiles between neighbours, whatever the order of the values', () => {
    expect(percentile([4, 1, 3, 2], 0)).toBe(1);
    expect(percentile([4, 1, 3, 2], 1)).toBe(4);
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(percentile([10, 20, 30, 40, 50], 0.9)).toBeCloseTo(46);
    expect(percentile([7], 0.99)).toBe(7);
  });

  it('sorts by number and leaves the values as they were', () => {
    const values = [100, 9, 20];
    expect(median(values)).toBe(20);
    expect(values).toEqual([100, 9, 20]);
  });

  it('has no figure where there are no values', () => {
    expect(percentile([], 0.5)).toBeNaN();
    expect(slope([{ x: 1, y: 1 }])).toBeNaN();
  });

  it('takes gaps between neighbours only', () => {
    expect(gaps([5, 7, 7, 12])).toEqual([2, 0, 5]);
    expect(gaps([5])).toEqual([]);
  });

  it('fits a straight line', () => {
    expect(slope([20, 40, 60].map((x) => ({ x, y: 1_000 + 63 * x })))).toBeCloseTo(63);
    const bent = [
      { x: 0, y: 0 },
      { x: 1, y: 2 },
      { x: 2, y: 2 },
    ];
    expect(slope(bent)).toBeCloseTo(1);
  });

  it('gives tokens that came in one event the same time', () => {
    const deltas = [
      { at: 1, text: 'w1' },
      { at: 4, text: ' w2 w3' },
    ];
    expect(tokenTimes({ sentAt: 0, deltas })).toEqual([1, 4, 4]);
  });
});

describe('the report of the benchmark', () => {
  const row: Row = { measure: 'first token', ours: '5 ms', baseline: '1 ms', compared: '+4 ms', target: '≤ +3 ms', met: false };

  it('names every target that was missed', () => {
    expect(verdict([row, { ...row, met: true }])).toBe('1 of 2 targets missed: first token (+4 ms, target ≤ +3 ms).');
    expect(
      verdict([
        { ...row, met: true },
        { ...row, met: null },
      ]),
    ).toBe('The target is met.');
    expect(verdict([{ ...row, met: null }])).toBe('There is no target among them.');
  });

  it('prints a line for each row', () => {
    const [, , line] = textTable([row]).split('\n');
    expect(line).toBe('first token  5 ms  1 ms      +4 ms                ≤ +3 ms  NO');
  });
});
