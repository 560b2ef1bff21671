import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { identify, isAlive, onLinux, signal } from '../../server/process/identity.ts';
import { JournalWriter } from '../../server/process/journal-writer.ts';
import type { Launched } from '../../server/process/launcher.ts';
import { launch, lastLines, prepareFolder, readExit, readIdentities, tryClaim } from '../../server/process/launcher.ts';
import { members } from '../../server/process/members.ts';
import { readTable } from '../../server/process/process-table.ts';
import { SmallDisk, canMount } from './small-disk.ts';
import { newMark, plainEnv, start, startShell, sweepAfterwards, temporaryFolder, tryLaunch } from './temporary.ts';

const out = (folder: string): string => readFileSync(join(folder, 'out'), 'utf8');

describe('launcher', () => {
  test('[LN1] the agent has its own pid on file, its folder, arguments and environment as given, and a session of its own', async () => {
    const cwd = join(temporaryFolder(), "a 'folder' $(x)");
    mkdirSync(cwd);
    const args = ['-c', 'printf "%s|" "$$" "$PWD" "$@"; umask; env; cat', 'name', '$(touch x)', "it's", 'a b', '', '*'];
    const { folder, agent, wrapper } = await start({ file: 'sh', args, cwd, env: { ...plainEnv, KEY: 'a\nb"$x', HOME: '/h' } });
    await expect.poll(() => out(folder)).toContain('HOLDFAST_INCARNATION');
    const mask = process.umask().toString(8).padStart(4, '0');
    expect(out(folder)).toContain(`${agent.pid}|${cwd}|$(touch x)|it's|a b||*|${mask}\n`);
    expect(out(folder)).toContain('KEY=a\nb"$x\n');
    const names = [...out(folder).matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(new Set(names)).toEqual(new Set(['PATH', 'KEY', 'HOME', 'PWD', 'HOLDFAST_INCARNATION']));
    expect(out(folder)).toContain(`PATH=${plainEnv.PATH}\n`);
    expect(readTable().get(agent.pid)?.group).toBe(wrapper.pid);
    expect(readTable().get(agent.pid)?.group).not.toBe(readTable().get(process.pid)?.group);
  });

  test('[LN2] everything in the journal is 0600, its folder 0700', async () => {
    const { folder } = await start({ file: 'cat', folder: join(temporaryFolder(), 'journal') });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of ['in', 'out', 'err', 'sh', 'tail', 'agent', 'pending']) {
      expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
    }
  });

  test('[LN3] what cannot start is a value that says why', async () => {
    const missing = join(temporaryFolder(), 'missing');
    expect((await tryLaunch({ file: 'cat', cwd: missing })).launched).toMatchObject({ kind: 'failed', code: 'no-folder' });
    expect((await tryLaunch({ file: 'no-such-program' })).launched).toMatchObject({ kind: 'failed', code: 'not-installed' });
    expect((await tryLaunch({ file: '/etc/passwd' })).launched).toMatchObject({ kind: 'failed', code: 'not-installed' });
    const tooMuch = await tryLaunch({ file: 'cat', args: ['x'.repeat(10_000_000)] });
    expect(tooMuch.launched).toMatchObject({ kind: 'failed', code: 'start-failed' });
    const started = await start({ file: 'cat' });
    const again = await launch({ folder: started.folder, mark: started.mark, cwd: '/', file: 'cat', args: [], env: plainEnv });
    expect(again).toMatchObject({ kind: 'failed', code: 'already-claimed' });
    expect(isAlive(started.agent)).toBe(true);
  });

  test('[LN4] a journal that was claimed before its wrapper came is never started', async () => {
    const folder = temporaryFolder();
    prepareFolder(folder);
    expect(tryClaim(folder)).toBe(true);
    expect(tryClaim(folder)).toBe(false);
    const { launched } = await tryLaunch({ file: 'cat', folder });
    expect(launched).toMatchObject({ kind: 'failed', code: 'already-claimed' });
    const started = await start({ file: 'cat' });
    expect(tryClaim(started.folder)).toBe(false);
  });

  test('[LN5] an agent that ends at once has started, and its exit file and stderr tell the rest', async () => {
    const { launched, folder } = await tryLaunch({ file: 'sh', args: ['-c', 'echo broken >&2; exit 3'] });
    expect(launched.kind).toBe('started');
    await expect.poll(() => readExit(folder)).toEqual({ exitCode: 3, signal: null });
    expect(lastLines(folder)).toBe('broken');
  });

  test('[LN6] an exit by a signal is told as that signal', async () => {
    const { agent, folder } = await start({ file: 'cat' });
    expect(readExit(folder)).toBeNull();
    signal(agent, 'SIGKILL');
    await expect.poll(() => readExit(folder)).toEqual({ exitCode: null, signal: 'SIGKILL' });
    expect(lastLines(folder)).toBe('');
  });

  test('[LN7] the agent outlives the process that launched it, is known again from its files, and takes the next line', async () => {
    const folder = temporaryFolder();
    const mark = newMark();
    sweepAfterwards(mark);
    const request = { folder, mark, cwd: folder, file: 'cat', args: [], env: plainEnv };
    const program = join(import.meta.dirname, 'launch-and-stay.ts');
    const server = spawn(process.execPath, [program, JSON.stringify(request)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await new Promise<string[]>((resolve) => createInterface(server.stdout).once('line', (text) => resolve([text])));
    const launched = JSON.parse(line ?? '') as Launched;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
    const found = readIdentities(folder, mark);
    expect(launched).toEqual({ kind: 'started', wrapper: found.wrapper, agent: found.agent });
    expect(found.tail).not.toBeNull();
    const writer = JournalWriter.open(folder);
    onTestFinished(() => writer.close());
    await writer.write(0, Buffer.from('still there\n'));
    await expect.poll(() => out(folder)).toBe('still there\n');
  });

  test.runIf(onLinux)('[LN8] a pid file that names a foreign process names nobody (Linux)', async () => {
    const { folder, mark } = await start({ file: 'cat' });
    expect(identify(process.pid)).not.toBeNull();
    writeFileSync(join(folder, 'agent'), `${process.pid}\n`);
    expect(readIdentities(folder, mark).agent).toBeNull();
    expect(readIdentities(folder, 'test/other').wrapper).toBeNull();
    expect(readIdentities(folder, 'test/other', () => true).wrapper).not.toBeNull();
  });

  test('[LN9] the agent inherits no ignored signal', async () => {
    const { agent, folder } = await startShell('exec cat');
    for (const name of ['SIGTERM'] as const) signal(agent, name);
    await expect.poll(() => readExit(folder)).toEqual({ exitCode: null, signal: 'SIGTERM' });
  });

  test.skipIf(!canMount)('[LN10] on a full disk no agent runs unidentified: the launch fails as disk-full (needs mount)', async () => {
    for (const pages of [0, 1, 2]) {
      const disk = new SmallDisk();
      prepareFolder(disk.folder);
      disk.fill(pages * 4096);
      const { launched, mark } = await tryLaunch({ file: 'cat', folder: disk.folder });
      expect(launched, `${pages} pages`).toMatchObject({ kind: 'failed', code: 'disk-full' });
      await vi.waitFor(() => expect(members({ groupId: null, agent: null, mark })).toEqual([]));
    }
  });

  test.skipIf(!canMount)('[LN11] an exit on a full disk is still told (needs mount)', async () => {
    const disk = new SmallDisk();
    const { folder } = await startShell('read line; exit 7', { folder: disk.folder, cwd: '/' });
    const { tail } = readIdentities(folder, '', () => true);
    disk.fill();
    signal(tail!, 'SIGTERM');
    await expect.poll(() => readExit(folder)).toEqual({ exitCode: 7, signal: null });
  });
});
