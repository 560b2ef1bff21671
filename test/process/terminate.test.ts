import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../server/platform/clock.ts';
import type { ProcessIdentity } from '../../server/process/identity.ts';
import { identify, isAlive, lookUp, signal } from '../../server/process/identity.ts';
import { readExit } from '../../server/process/launcher.ts';
import { members } from '../../server/process/members.ts';
import { continueAll, stopAll } from '../../server/process/pause.ts';
import { terminate } from '../../server/process/terminate.ts';
import { treeUsage } from '../../server/process/usage.ts';
import type { Gone } from '../../server/process/watchdog.ts';
import { Watchdog } from '../../server/process/watchdog.ts';
import type { Started } from './temporary.ts';
import { identitiesOf, start, startShell, temporaryFolder } from './temporary.ts';

const quick = { eof: 300, term: 300 };

function all(started: Started): ProcessIdentity[] {
  return members({ groupId: started.wrapper.pid, agent: started.agent, wrapper: started.wrapper, mark: started.mark });
}

function end(started: Started, mode: 'clean' | 'kill', graceMs = quick): Promise<ProcessIdentity[]> {
  return terminate({ folder: started.folder, mark: started.mark, identities: identitiesOf(started), graceMs }, mode);
}

async function pidFrom(file: string): Promise<ProcessIdentity> {
  await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n')).toBe(true);
  return identify(Number(readFileSync(file, 'utf8')))!;
}

describe('terminate', () => {
  test('[TM1] a clean end begins with the end of input, and the agent may finish', async () => {
    const started = await startShell('cat >/dev/null; sleep 0.1; echo saved; exit 4');
    expect(await end(started, 'clean', { eof: 5_000, term: 5_000 })).toEqual([]);
    expect(readFileSync(join(started.folder, 'out'), 'utf8')).toBe('saved\n');
    expect(readExit(started.folder)).toEqual({ exitCode: 4, signal: null });
  });

  test('[TM12] an end that another server began, and whose tail is gone, goes on: the agent may finish before it gets TERM', async () => {
    const started = await startShell('cat >/dev/null; sleep 0.5; echo saved; exit 4');
    const tail = await pidFrom(join(started.folder, 'tail'));
    signal(tail, 'SIGTERM');
    await expect.poll(() => isAlive(tail)).toBe(false);
    expect(await end(started, 'clean', { eof: 5_000, term: 5_000 })).toEqual([]);
    expect(readFileSync(join(started.folder, 'out'), 'utf8')).toBe('saved\n');
    expect(readExit(started.folder)).toEqual({ exitCode: 4, signal: null });
  });

  test('[TM2] an agent that does not mind the end of input gets TERM', async () => {
    const started = await startShell('trap "echo bye; exit 5" TERM; while :; do sleep 0.05; done');
    expect(await end(started, 'clean', { eof: 100, term: 5_000 })).toEqual([]);
    expect(readFileSync(join(started.folder, 'out'), 'utf8')).toBe('bye\n');
    expect(readExit(started.folder)).toEqual({ exitCode: 5, signal: null });
  });

  test('[TM3] who ignores TERM is killed, with its children, and the exit is still told', async () => {
    const started = await startShell('trap "" TERM; sleep 300 & while :; do sleep 1; done');
    expect(await end(started, 'clean')).toEqual([]);
    expect(readExit(started.folder)).toEqual({ exitCode: null, signal: 'SIGKILL' });
    expect(all(started)).toEqual([]);
  });

  test('[TM11] the exit of what was killed is told, and nothing of the wrapper is killed while it tells', async () => {
    for (let count = 0; count < 30; count++) {
      const started = await start({ file: 'cat' });
      expect(await end(started, 'kill')).toEqual([]);
      expect(readExit(started.folder)).toEqual({ exitCode: null, signal: 'SIGKILL' });
    }
  });

  test('[TM4] what runs in a session of its own is ended too, even without our mark', async () => {
    for (const mode of ['clean', 'kill'] as const) {
      const file = join(temporaryFolder(), 'pid');
      const script = `setsid sh -c 'echo $$ >${file}.t; mv ${file}.t ${file}; exec env -i sleep 300' & cat`;
      const started = await startShell(script);
      const grandchild = await pidFrom(file);
      expect(lookUp(grandchild.pid)?.group).toBe(grandchild.pid);
      expect(await end(started, mode)).toEqual([]);
      expect(isAlive(grandchild)).toBe(false);
      expect(readExit(started.folder)).not.toBeNull();
    }
  });

  test('[TM5] survivors of a killed wrapper are noticed and ended', async () => {
    const started = await start({ file: 'cat' });
    const onGone = vi.fn<(kind: Gone) => void>();
    const watchdog = new Watchdog({ ...started, onGone });
    onTestFinished(() => watchdog.close());
    watchdog.look();
    expect(onGone).not.toHaveBeenCalled();
    signal(started.wrapper, 'SIGKILL');
    await vi.waitFor(() => expect(onGone).toHaveBeenCalledWith('wrapper-lost'), 3_000);
    expect(isAlive(started.agent)).toBe(true);
    expect(await end(started, 'kill')).toEqual([]);
    expect(isAlive(started.agent)).toBe(false);
    const next = new Watchdog({ ...started, onGone });
    next.look();
    expect(onGone.mock.calls.flat()).toEqual(['wrapper-lost', 'all-gone']);
  });

  test('[TM6] the watchdog tells an ordinary exit as such, and a wrapper that cannot speak as lost', async () => {
    const onGone = vi.fn<(kind: Gone) => void>();
    const ended = await start({ file: 'cat' });
    signal(ended.agent, 'SIGKILL');
    await expect.poll(() => isAlive(ended.wrapper)).toBe(false);
    new Watchdog({ ...ended, onGone }).look();
    expect(onGone).toHaveBeenLastCalledWith('exit');
    const stuck = await start({ file: 'cat' });
    signal(stuck.wrapper, 'SIGSTOP');
    signal(stuck.agent, 'SIGKILL');
    await expect.poll(() => isAlive(stuck.agent)).toBe(false);
    const watchdog = new Watchdog({ ...stuck, onGone });
    for (let beat = 0; beat < 3; beat++) watchdog.look();
    expect(onGone).toHaveBeenLastCalledWith('wrapper-lost');
    expect(await end(stuck, 'kill')).toEqual([]);
    expect(readExit(stuck.folder)).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });

  test('[TM7] ending what is gone already, or whose pids others have by now, signals nobody', async () => {
    const started = await start({ file: 'cat' });
    await end(started, 'kill');
    const bystander = await start({ file: 'cat' });
    const stale = { wrapper: { ...bystander.wrapper, startTime: '1' }, agent: { ...bystander.agent, startTime: '1' } };
    const request = { folder: started.folder, mark: started.mark, identities: stale, graceMs: quick, clock: systemClock };
    expect(await terminate(request, 'clean')).toEqual([]);
    expect(all(bystander)).toHaveLength(3);
  });

  test('[TM8] pausing stops the agent and all below it but not the wrapper; they go on, and can be ended while paused', async () => {
    const started = await startShell('setsid sleep 300 & cat');
    await expect.poll(() => all(started).length).toBe(5);
    const query = { groupId: started.wrapper.pid, agent: started.agent, wrapper: started.wrapper, mark: started.mark };
    const state = (identity: ProcessIdentity): string => readFileSync(`/proc/${identity.pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';
    expect(stopAll(query)).toHaveLength(3);
    await expect.poll(() => all(started).filter((member) => state(member) === 'T')).toHaveLength(3);
    expect(state(started.wrapper)).not.toBe('T');
    expect(continueAll(query)).toHaveLength(5);
    await expect.poll(() => all(started).filter((member) => state(member) === 'T')).toHaveLength(0);
    stopAll(query);
    expect(await end(started, 'clean', { eof: 5_000, term: 5_000 })).toEqual([]);
    expect(readExit(started.folder)).toEqual({ exitCode: 0, signal: null });
  });

  test('[TM9] children that appear while the ending goes on are ended', async () => {
    const started = await startShell('spawn() { trap "" TERM; while :; do setsid sleep 300 & sleep 0.02; done; }; spawn & spawn');
    await expect.poll(() => all(started).length).toBeGreaterThan(6);
    expect(await end(started, 'clean', { eof: 50, term: 50 })).toEqual([]);
    expect(all(started)).toEqual([]);
  });

  test('[TM10] usage is the sum over the members; one that is gone counts nothing', async () => {
    const started = await startShell('cat');
    const one = await treeUsage([started.agent]);
    expect(one.memoryMb).toBeGreaterThan(0);
    expect((await treeUsage(all(started))).memoryMb).toBeGreaterThan(one.memoryMb);
    await end(started, 'kill');
    expect(await treeUsage([started.agent, started.wrapper])).toEqual({ memoryMb: 0, cpuPercent: 0 });
    expect(await treeUsage([])).toEqual({ memoryMb: 0, cpuPercent: 0 });
  });
});
