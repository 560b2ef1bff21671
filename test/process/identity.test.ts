import { spawn } from 'node:child_process';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { bootId, identify, isAlive, onLinux, seemsAlive, signal } from '../../server/process/identity.ts';
import type { ProcessIdentity } from '../../server/process/identity.ts';
import { readTable } from '../../server/process/process-table.ts';
import { parsePsLine, readPs } from '../../server/process/ps.ts';
import { parseStat } from '../../server/process/stat.ts';

function sleeper(command = 'exec sleep 60'): ProcessIdentity {
  const child = spawn('sh', ['-c', command], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return identify(child.pid ?? 0)!;
}

describe('identity', () => {
  test('[ID1] a process is known by pid, start time and boot; a pid alone proves nothing', () => {
    const sleeping = sleeper();
    expect(isAlive(sleeping)).toBe(true);
    expect(identify(sleeping.pid)).toEqual(sleeping);
    expect(isAlive({ ...sleeping, startTime: '1' })).toBe(false);
    expect(isAlive({ ...sleeping, bootId: 'another boot' })).toBe(false);
    expect(bootId()).toMatch(/./);
  });

  test('[ID2] a process that took over a pid is never signalled, nor is this process, nor pid 1', () => {
    const sleeping = sleeper();
    expect(signal({ ...sleeping, startTime: '1' }, 'SIGKILL')).toBe(false);
    expect(signal({ ...sleeping, bootId: 'another boot' }, 'SIGKILL')).toBe(false);
    expect(isAlive(sleeping)).toBe(true);
    expect(signal(identify(process.pid)!, 'SIGCONT')).toBe(false);
    expect(signal(identify(1) ?? { pid: 1, startTime: '', bootId: bootId() }, 'SIGCONT')).toBe(false);
    expect(signal(sleeping, 'SIGKILL')).toBe(true);
    return vi.waitFor(() => expect(isAlive(sleeping)).toBe(false));
  });

  test('[ID3] a zombie is dead', async () => {
    const parent = sleeper('sleep 0.01 & exec sleep 60');
    const zombie = await vi.waitFor(() => {
      const row = [...readTable().values()].find((candidate) => candidate.parent === parent.pid && candidate.zombie);
      expect(row).toBeDefined();
      return row!;
    });
    expect(process.kill(zombie.pid, 0)).toBe(true);
    expect(identify(zombie.pid)).toBeNull();
    const identity = { pid: zombie.pid, startTime: zombie.startTime, bootId: bootId() };
    expect(isAlive(identity)).toBe(false);
    expect(signal(identity, 'SIGTERM')).toBe(false);
  });

  test('[ID4] a command name with spaces, parens and line ends does not shift the fields', () => {
    const numbers = Array.from({ length: 48 }, (_, at) => at + 100).join(' ');
    expect(parseStat(`42 (a) R 1 (\n) S ${numbers}`)).toEqual({
      pid: 42,
      parent: 100,
      group: 101,
      session: 102,
      zombie: false,
      startTime: '118',
    });
    expect(parseStat('')).toBeNull();
    expect(parsePsLine('  42     1    40 Ss+  Sat Nov  1 03:30:22 2026 ')).toEqual({
      pid: 42,
      parent: 1,
      group: 40,
      session: null,
      zombie: false,
      startTime: 'Sat Nov 1 03:30:22 2026',
    });
    expect(parsePsLine('error')).toBeNull();
  });

  test.runIf(onLinux)('[ID5] what ps says (elsewhere than on Linux) agrees with /proc', () => {
    const sleeping = sleeper();
    const [row] = readPs(sleeping.pid);
    if (!row) return; // no ps on this machine
    const proc = readTable().get(sleeping.pid);
    expect(row).toMatchObject({ pid: proc?.pid, parent: proc?.parent, group: proc?.group, zombie: false });
    expect(Math.abs(Date.parse(`${row.startTime} UTC`) - Date.now())).toBeLessThan(10_000);
    expect(seemsAlive(sleeping)).toBe(true);
  });
});
