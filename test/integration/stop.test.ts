import { execFile, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/find-command.ts';
import { startModelServer } from '../../cli/model/model-server.ts';
import { identify, isAlive, signal, type ProcessIdentity } from '../../server/process/identity.ts';
import { readMark } from '../../server/process/stat.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { programEnv } from '../support/program-env.ts';
import { agentSandbox } from '../support/sandbox.ts';

interface Stopped {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `npm run stop` for a data folder. */
function stop(dataDir: string, env: Record<string, string> = {}): Promise<Stopped> {
  return new Promise((resolve) => {
    const options = { env: { ...programEnv, HOME: dataDir, DATA_DIR: dataDir, ...env }, cwd: '/', timeout: 40_000 };
    execFile(process.execPath, [join(packageRoot, 'cli/stop.ts')], options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
      resolve({ code, stdout, stderr });
    });
  });
}

describe('npm run stop', () => {
  const cleanups: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function started(env: Record<string, string> = {}): Promise<Holdfast> {
    const holdfast = await Holdfast.start({ env });
    cleanups.push(() => holdfast.dispose());
    return holdfast;
  }

  async function agentOf(holdfast: Holdfast, sessionId: string): Promise<ProcessIdentity> {
    const pid = (await holdfast.client.status(sessionId)).pid ?? 0;
    const identity = identify(pid);
    if (!identity) throw new Error(`Agent ${pid} is not alive.`);
    return identity;
  }

  it('[STOP1] ends the server and every agent, idle and at work, and the next server records why', async () => {
    const holdfast = await started();
    const idle = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    const busy = await holdfast.client.send({ message: 'tokens=600 delay=100', projectPath: holdfast.folder('other') });
    await eventually(async () => (await holdfast.client.status(busy.body.sessionId)).state === 'working');
    const agents = [await agentOf(holdfast, idle.sessionId), await agentOf(holdfast, busy.body.sessionId)];
    const server = identify(holdfast.pid);

    const stopped = await stop(holdfast.dataDir);
    expect(stopped).toMatchObject({ code: 0, stderr: '' });
    expect(stopped.stdout).toContain(`Ended the server (pid ${holdfast.pid}).`);
    for (const { pid } of agents) expect(stopped.stdout).toContain(`Ended echo (pid ${pid}) of "`);
    expect(server && isAlive(server)).toBe(false);
    expect(agents.filter(isAlive)).toEqual([]);

    await holdfast.start();
    for (const sessionId of [idle.sessionId, busy.body.sessionId]) {
      expect(await holdfast.client.status(sessionId)).toMatchObject({ state: 'dormant', lastExit: { reason: 'killed-by-user' } });
    }
    const ended = (await holdfast.client.events(busy.body.sessionId)).find(({ kind }) => kind === 'turn.interrupted');
    expect(ended?.data).toEqual({ reason: 'killed-by-user' });
  });

  it('[STOP1] the real Claude CLI ends cleanly and knows its conversation afterwards', async () => {
    const model = await startModelServer();
    const sandbox = agentSandbox(model.url);
    cleanups.push(() => model.close());
    cleanups.push(() => sandbox.remove());
    const holdfast = await started({ ...sandbox.env, DEFAULT_AGENT: 'claude' });
    const { sessionId } = await holdfast.client.ask({ message: 'remember the word kiwi', projectPath: holdfast.project });
    const agent = await agentOf(holdfast, sessionId);
    expect((await stop(holdfast.dataDir)).code).toBe(0);
    expect(isAlive(agent)).toBe(false);
    await holdfast.start();
    expect((await holdfast.client.status(sessionId)).lastExit).toMatchObject({ reason: 'killed-by-user', exitCode: 0 });
    expect((await holdfast.client.ask({ message: 'what word', sessionId })).content).toBe('The word is kiwi.');
  });

  it('[STOP2] works after the server was killed, and says so when there is nothing', async () => {
    const holdfast = await started();
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    const agent = await agentOf(holdfast, sessionId);
    await holdfast.kill();
    expect(isAlive(agent)).toBe(true);

    const first = await stop(holdfast.dataDir);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Ended echo \(pid \d+\) of "hello" in .+\.\n$/) });
    expect(isAlive(agent)).toBe(false);
    expect(await stop(holdfast.dataDir)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to stop: no server and no agent'),
    });
    expect(await stop(join(holdfast.root, 'never'))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to stop: no server has used'),
    });
  });

  it.runIf(process.platform === 'linux')('[STOP3] ends processes with our mark that no row knows', async () => {
    const holdfast = await started();
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    const mark = readMark((await agentOf(holdfast, sessionId)).pid) ?? '';
    const dataId = mark.slice(0, mark.indexOf('/'));
    const child = spawn('sleep', ['600'], {
      detached: true,
      stdio: 'ignore',
      env: { PATH: '/usr/bin:/bin', HOLDFAST_INCARNATION: `${dataId}/nobody` },
    });
    const stray = identify(child.pid ?? 0);
    if (stray) cleanups.push(() => void signal(stray, 'SIGKILL'));
    const stopped = await stop(holdfast.dataDir);
    expect(stopped.code).toBe(0);
    expect(stopped.stdout).toContain(`Ended a process that no session knows (pid ${child.pid}).`);
    expect(stray && isAlive(stray)).toBe(false);
  });

  it('[STOP4] a server that cannot be ended is a sentence and an exit code, and no agent is touched', async () => {
    const holdfast = await started();
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    const agent = await agentOf(holdfast, sessionId);
    // A word about a process that is not the server: it is not signalled, and the lock stays taken.
    const bystander = spawn('sleep', ['600'], { stdio: 'ignore' });
    cleanups.push(() => void bystander.kill('SIGKILL'));
    const identity = identify(bystander.pid ?? 0);
    writeFileSync(
      join(holdfast.dataDir, 'server.json'),
      JSON.stringify({ identity: { ...identity, startTime: '1' }, url: 'http://127.0.0.1:1' }),
    );
    const stopped = await stop(holdfast.dataDir);
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain(`Something holds ${holdfast.dataDir}`);
    expect(isAlive(agent)).toBe(true);
    expect(identity && isAlive(identity)).toBe(true);
  });

  it('[STOP5] needs no setting but DATA_DIR to be right, and takes a word that is no word for none', async () => {
    const holdfast = await started();
    await holdfast.kill();
    writeFileSync(join(holdfast.dataDir, 'server.json'), '{"identity":1');
    expect(await stop(holdfast.dataDir, { PORT: 'nonsense' })).toMatchObject({ code: 0 });
    rmSync(join(holdfast.dataDir, 'server.json'));
  });
});
