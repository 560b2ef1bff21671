import { describe, expect, it } from 'vitest';
import { cpuMs, cpuMsOf } from '../../bench/process-cpu.ts';

describe('the CPU time of a process', () => {
  it('is user and system time with that of children that have ended, whatever the name of the command', () => {
    const fields = ['S', 1, 2, 3, 0, -1, 4194560, 100, 200, 0, 0, 30, 12, 5, 3, 20, 0, 11, 0, 4711];
    expect(cpuMsOf(`4242 (a) (b c) ${fields.join(' ')}`)).toBe(500);
  });

  it.runIf(process.platform === 'linux')('goes on while a process works', () => {
    const before = cpuMs(process.pid);
    for (const end = performance.now() + 200; performance.now() < end;);
    expect(cpuMs(process.pid) - before).toBeGreaterThanOrEqual(20);
  });
});
