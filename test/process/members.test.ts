import { spawn } from 'node:child_process';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ProcessIdentity } from '../../server/process/identity.ts';
import { bootId, identify, onLinux, signal } from '../../server/process/identity.ts';
import { markedProcesses, members } from '../../server/process/members.ts';
import type { MarkedRow } from '../../server/process/process-table.ts';
import { readTable } from '../../server/process/process-table.ts';
import { newMark, startShell } from './temporary.ts';

function table(...rows: Partial<MarkedRow>[]): Map<number, MarkedRow> {
  return new Map(
    rows.map((row) => {
      const full = { pid: 0, parent: 1, group: 0, session: null, zombie: false, startTime: `t${row.pid}`, mark: null, ...row };
      return [full.pid, full];
    }),
  );
}

function known(pid: number, startTime = `t${pid}`): ProcessIdentity {
  return { pid, startTime, bootId: bootId() };
}

function pids(found: ProcessIdentity[]): number[] {
  return found.map(({ pid }) => pid).sort((a, b) => a - b);
}

describe('members', () => {
  test('[ID6] an incarnation is its marked processes, its proven group, and their descendants; zombies are left out', () => {
    const rows = table(
      { pid: 10, group: 10 },
      { pid: 11, parent: 10, group: 10 },
      { pid: 12, group: 10 },
      { pid: 13, parent: 11, group: 13, zombie: true },
      { pid: 14, parent: 13, group: 13 },
      { pid: 20, group: 20, mark: 'd/1' },
      { pid: 21, parent: 20, group: 21 },
      { pid: 30, group: 30 },
    );
    expect(pids(members({ groupId: 10, agent: known(11), mark: 'd/1' }, rows))).toEqual([10, 11, 12, 14, 20, 21]);
  });

  test('[ID7] a group or pid that was taken over by others is not ours', () => {
    const rows = table({ pid: 10, group: 10 }, { pid: 11, parent: 10, group: 10 });
    expect(members({ groupId: 10, agent: known(11, 'earlier'), wrapper: known(10, 'earlier'), mark: 'd/1' }, rows)).toEqual([]);
    expect(members({ groupId: 10, agent: { ...known(11), bootId: 'another boot' }, mark: 'd/1' }, rows)).toEqual([]);
  });

  test('[ID8] this process is no member, even of an agent that started it, nor are the agents below it', () => {
    const rows = table(
      { pid: 10, group: 10, mark: 'd/1' },
      { pid: process.pid, parent: 10, group: 10, mark: 'd/1' },
      { pid: 99_999_990, parent: process.pid, group: 50, mark: 'd/2' },
      { pid: 99_999_991, parent: 10, group: 51, mark: 'd/2' },
      { pid: 99_999_992, parent: 10, group: 52, mark: 'other/1' },
    );
    expect(pids(members({ groupId: 10, agent: null, mark: 'd/1' }, rows))).toEqual([10, 99_999_992]);
  });

  test.runIf(onLinux)('[ID9] a process in a session of its own whose parent is gone is found by its mark (Linux)', async () => {
    const started = await startShell('(setsid sleep 300 &); cat');
    const query = { groupId: started.wrapper.pid, agent: started.agent, mark: started.mark };
    await vi.waitFor(() => {
      const found = members(query);
      const rows = readTable();
      expect(found.some(({ pid }) => rows.get(pid)?.session === pid && pid !== started.wrapper.pid)).toBe(true);
      expect(found).toHaveLength(5); // wrapper, tail, agent (sh), cat, sleep
    });
    const dataId = started.mark.split('/')[0] ?? '';
    expect(markedProcesses(dataId).map(({ mark }) => mark)).toEqual(Array.from({ length: 5 }, () => started.mark));
    expect(markedProcesses(dataId.slice(0, -1))).toEqual([]);
  });

  test('[ID10] a foreign process beside an incarnation is no member', async () => {
    const other = spawn('sleep', ['60'], { stdio: 'ignore', env: { HOLDFAST_INCARNATION: newMark() } });
    const identity = identify(other.pid ?? 0)!;
    onTestFinished(() => void signal(identity, 'SIGKILL'));
    const started = await startShell('cat');
    expect(pids(members({ groupId: started.wrapper.pid, agent: started.agent, mark: started.mark }))).not.toContain(other.pid);
  });
});
