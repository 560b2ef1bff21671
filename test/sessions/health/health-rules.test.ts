import { describe, expect, it } from 'vitest';
import {
  firstToGo,
  judge,
  judgeDay,
  judgeStall,
  SUSTAINED_CHECKS,
  unwatched,
  type Judgement,
} from '../../../server/sessions/health/health-rules.ts';

const limits = { memoryMb: 500, cpuPercent: 80 };

/** Judges one measurement after another. */
function course(measurements: { memoryMb?: number; cpuPercent?: number }[]): Judgement[] {
  let state = unwatched;
  return measurements.map(({ memoryMb = 10, cpuPercent = 0 }) => {
    const judgement = judge(state, { memoryMb, cpuPercent }, limits);
    state = judgement.next;
    return judgement;
  });
}

const cpu = (percent: number, times: number): { cpuPercent: number }[] => Array.from({ length: times }, () => ({ cpuPercent: percent }));
const warnings = (course: Judgement[]): number[] => course.map((judgement) => judgement.warnings.length);

describe('the limits of a process', () => {
  it('[LM1] memory is warned about once at 80 %, and again only after it went down', () => {
    const judged = course([399, 400, 450, 490, 300, 420].map((memoryMb) => ({ memoryMb })));
    expect(warnings(judged)).toEqual([0, 1, 0, 0, 0, 1]);
    expect(judged[1]?.warnings).toEqual([{ what: 'memory', used: 400, limit: 500 }]);
    expect(judged.every(({ end }) => end === null)).toBe(true);
  });

  it('[LM2] memory at the limit is the end at once', () => {
    expect(course([{ memoryMb: 499.9 }, { memoryMb: 500 }]).map(({ end }) => end)).toEqual([null, 'memory-limit']);
  });

  it('[LM3] CPU counts only when it is sustained: a peak is nothing, and a pause begins the count anew', () => {
    const peaks = [...cpu(100, SUSTAINED_CHECKS - 1), ...cpu(0, 1)];
    const judged = course([...peaks, ...peaks, ...peaks, ...peaks]);
    expect(warnings(judged).every((count) => count === 0)).toBe(true);
    expect(judged.every(({ end }) => end === null)).toBe(true);
  });

  it('[LM4] sustained CPU is warned about once, and ended when it lasts', () => {
    const judged = course(cpu(95, SUSTAINED_CHECKS * 2));
    expect(warnings(judged)).toEqual([0, 0, 1, 0, 0, 0]);
    expect(judged.map(({ end }) => end)).toEqual([null, null, null, null, null, 'cpu-limit']);
    expect(course(cpu(70, 100)).every(({ end }) => end === null)).toBe(true);
    expect(warnings(course(cpu(70, 100))).reduce((sum, count) => sum + count)).toBe(1);
  });
});

describe('the day of a process', () => {
  const day = { warnAfterMs: 20, expireAfterMs: 24, warned: false, quiet: true };

  it('[DY1] is warned about once, and expired when it is over', () => {
    expect(judgeDay({ ...day, idleMs: 19 })).toBe('nothing');
    expect(judgeDay({ ...day, idleMs: 20 })).toBe('warn');
    expect(judgeDay({ ...day, idleMs: 23, warned: true })).toBe('nothing');
    expect(judgeDay({ ...day, idleMs: 24, warned: true })).toBe('expire');
  });

  it('[DY2] does not end while something runs', () => {
    expect(judgeDay({ ...day, idleMs: 1_000, quiet: false })).toBe('nothing');
  });
});

describe('a turn that says nothing', () => {
  const silent = { silentMs: 600_000, cpuPercent: 0, openTools: 0, openRequests: 0, connections: 0 };

  it.each([
    ['waits for its user while it has asked something', { ...silent, openRequests: 1, openTools: 1, connections: 1 }, 'waiting-for-user'],
    ['runs a tool that has not finished', { ...silent, openTools: 1, connections: 1 }, 'running-tool'],
    ['waits for a service while it is connected', { ...silent, connections: 1 }, 'waiting-for-api'],
    ['has the doubt on its side where connections cannot be seen', { ...silent, connections: null }, 'waiting-for-api'],
    ['is at work while it uses CPU', { ...silent, cpuPercent: 5 }, 'running-tool'],
    ['is dead without any sign of life', silent, 'dead'],
  ] as const)('[LM5] %s', (_what, evidence, verdict) => {
    expect(judgeStall(evidence)).toBe(verdict);
  });
});

describe('who ends where all together use too much', () => {
  const busy = (memoryMb: number) => ({ idle: false, wantedAt: 1, memoryMb });
  const idle = (wantedAt: number, memoryMb = 100) => ({ idle: true, wantedAt, memoryMb });

  it('[LM25] the least recently used idle one, however small, else the largest', () => {
    expect(firstToGo([busy(900), idle(7), idle(5), idle(9, 800)])).toEqual(idle(5));
    expect(firstToGo([busy(300), busy(900), busy(500)])).toEqual(busy(900));
    expect(firstToGo([])).toBeUndefined();
  });
});
