import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { eventOf, journalOf, pidIn, runs } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { runServer } from '../support/server-run.ts';

let holdfast: Holdfast;
afterEach(() => holdfast.dispose());

/** A session in mid-answer whose server was just killed; more of the answer stands in `out` than the store has. */
async function killedInMidAnswer(): Promise<{ sessionId: string; messageId: string; folder: string; cursor: number }> {
  holdfast = await Holdfast.start();
  const { client } = holdfast;
  const { sessionId } = await client.ask({ message: 'remember the word fig', projectPath: holdfast.project });
  const { messageId, cursor } = (await client.send({ message: 'tokens=100000 delay=5', sessionId })).body;
  await eventOf(client, sessionId, 'text', cursor);
  const folder = await journalOf(holdfast, sessionId);
  await holdfast.kill();
  const size = statSync(join(folder, 'out')).size;
  await eventually(() => statSync(join(folder, 'out')).size > size + 2_000);
  return { sessionId, messageId, folder, cursor };
}

/** What an echo process said of a message, in whole lines. */
function saidIn(folder: string, messageId: string): string {
  const lines = readFileSync(join(folder, 'out'), 'utf8').split('\n').slice(0, -1);
  const printed = lines.map((line) => JSON.parse(line) as { type: string; message?: string; text: string });
  return printed.map((line) => (line.type === 'delta' && line.message?.startsWith(messageId) ? line.text : '')).join('');
}

describe('the lock of a data folder', () => {
  it('[JN80] lets one server have it; a second says so and stops, and kill -9 of the first frees it', async () => {
    holdfast = await Holdfast.start();
    const env = { DATA_DIR: holdfast.dataDir, HOME: holdfast.root, PROJECT_ROOTS: holdfast.root };
    const second = await runServer(env);
    expect(second.code).toBe(1);
    expect(second.output).toBe(
      `Holdfast cannot start: Another Holdfast server is using ${holdfast.dataDir}. Stop it (npm run stop), or set DATA_DIR to another folder.\n`,
    );
    expect((await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project })).state).toBe('completed');
    const before = holdfast.pid;
    await holdfast.kill();
    await holdfast.start();
    expect(holdfast.pid).not.toBe(before);
    expect((await holdfast.client.ask({ message: 'hello again', projectPath: holdfast.project })).resumed).toBe(true);
  });

  it('[SET21] stops the start for a wrong setting, with one sentence that names each, and for a port that is taken', async () => {
    holdfast = await Holdfast.start();
    const env = { DATA_DIR: join(holdfast.root, 'other'), HOME: holdfast.root, PROJECT_ROOTS: holdfast.root };
    const wrong = await runServer({ ...env, PORT: 'http', MAX_CONCURRENT_SESSIONS: '-3', AUTH_TOKEN: 'x y' });
    expect(wrong.code).toBe(1);
    expect(wrong.output).toMatch(/^Holdfast cannot start: .*PORT .*"http"/);
    expect(wrong.output).toMatch(/MAX_CONCURRENT_SESSIONS .*"-3"/);
    expect(wrong.output).not.toContain('x y');
    expect(wrong.output.trim().split('\n')).toHaveLength(1);
    const { port } = new URL(holdfast.url);
    const taken = await runServer({ ...env, PORT: port });
    expect(taken).toEqual({
      code: 1,
      output: `Holdfast cannot start: Port ${port} of 127.0.0.1 is taken. Stop what uses it, or set PORT.\n`,
    });
  });
});

describe('a start on what an earlier server left', () => {
  it('[JN81] moves a journal that no row knows aside and keeps all that is in it', async () => {
    holdfast = await Holdfast.start();
    await holdfast.stop();
    const stray = join(holdfast.dataDir, 'incarnations', 'from-elsewhere');
    mkdirSync(stray);
    writeFileSync(join(stray, 'out'), 'somebody said something\n');
    await holdfast.start();
    expect(holdfast.incarnations()).toEqual([]);
    const aside = join(holdfast.dataDir, 'unknown');
    const [name = ''] = readdirSync(aside);
    expect(name).toMatch(/^from-elsewhere/);
    expect(readFileSync(join(aside, name, 'out'), 'utf8')).toBe('somebody said something\n');
  });

  it('[JN82] ends a process that carries our mark and that no row knows, and none of another folder', async () => {
    holdfast = await Holdfast.start();
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    const { pid } = await holdfast.client.status(sessionId);
    const dataId = /HOLDFAST_INCARNATION=([^/\0]+)\//.exec(readFileSync(`/proc/${pid ?? 0}/environ`, 'latin1'))?.[1] ?? '';
    await holdfast.kill();
    const sleeper = (mark: string): number =>
      spawn('sleep', ['600'], { env: { HOLDFAST_INCARNATION: mark }, detached: true, stdio: 'ignore' }).pid ?? 0;
    const ours = sleeper(`${dataId}/not-in-the-store`);
    const others = sleeper('00000000-0000-4000-8000-000000000000/somebody');
    try {
      await holdfast.start();
      expect(runs(ours)).toBe(false);
      expect(runs(others)).toBe(true);
      expect((await holdfast.client.status(sessionId)).pid).toBe(pid);
      await eventually(() => holdfast.output.includes('strays: 1'));
    } finally {
      process.kill(others, 'SIGKILL');
    }
  });

  it.each([
    ['agent', 'crashed', 'SIGKILL'],
    ['sh', 'lost', null],
    ['both', 'lost', null],
  ] as const)(
    '[JN83] reads the last words of a process that died meanwhile and closes it with its reason: %s killed, %s',
    async (who, reason, signal) => {
      const { sessionId, messageId, folder, cursor } = await killedInMidAnswer();
      const [wrapper, agent] = [pidIn(folder, 'sh'), pidIn(folder, 'agent')];
      if (who !== 'agent') process.kill(wrapper, 'SIGKILL');
      if (who !== 'sh') process.kill(agent, 'SIGKILL');
      if (who !== 'sh') await eventually(() => !runs(agent) && !runs(wrapper));
      await holdfast.start();
      expect(runs(agent)).toBe(false);
      const { client } = holdfast;
      expect((await client.status(sessionId)).lastExit).toMatchObject({ reason, exitCode: null, signal });
      const events = await client.events(sessionId, cursor - 1);
      const said = events.flatMap((event) => (event.kind === 'text' && event.turnId === messageId ? [event.data.delta] : [])).join('');
      expect(said).toBe(saidIn(folder, messageId));
      expect(events.map((event) => event.kind).slice(-2)).toEqual(['turn.interrupted', 'session.exited']);
      expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is fig.');
    },
  );

  it('[SE80] hands a message that was accepted and reached no agent to one after the start', async () => {
    const program = fileURLToPath(new URL('../support/killable-server.ts', import.meta.url));
    holdfast = await Holdfast.start({ program, env: { KILL_AT: 'accepted:1' } });
    const messageId = '7d2f8f5e-3a40-4d5c-9a52-0c55c1d5a001';
    await expect(holdfast.client.send({ message: 'are you there', messageId, projectPath: holdfast.project })).rejects.toThrow();
    await holdfast.ended();
    expect(holdfast.incarnations()).toEqual([]);
    await holdfast.start({ KILL_AT: ':0' });
    const answer = await holdfast.client.ask({ message: 'are you there', messageId, projectPath: holdfast.project });
    expect(answer).toMatchObject({ state: 'completed', content: 'You said: are you there' });
    expect(await holdfast.client.messages(answer.sessionId)).toHaveLength(2);
  });

  it('[JN84] leaves agents at work when it is told to stop, says so, and finds them again', async () => {
    holdfast = await Holdfast.start();
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    const { messageId, cursor } = (await holdfast.client.send({ message: 'tokens=60 delay=20', sessionId })).body;
    await eventOf(holdfast.client, sessionId, 'text', cursor);
    const { pid } = await holdfast.client.status(sessionId);
    await holdfast.stop();
    expect(runs(pid ?? 0)).toBe(true);
    expect(holdfast.output).toContain('SIGTERM: stopping. Agents that go on without the server: 1; "npm run stop" ends them.');
    await holdfast.start();
    await eventually(() => holdfast.output.includes('Found at work: 1'));
    const { client } = holdfast;
    expect((await client.status(sessionId)).pid).toBe(pid);
    const done = await eventOf(client, sessionId, 'turn.completed', cursor);
    expect(done).toMatchObject({
      turnId: messageId,
      data: { text: Array.from({ length: 60 }, (_unused, index) => `w${index + 1}`).join(' ') },
    });
    const events = await client.events(sessionId);
    expect(events.map((event) => event.seq)).toEqual(events.map((_event, index) => index + 1));
  });
});

describe('what lies in the data folder', () => {
  it('[JN85] is for its owner alone: every file 0600, every folder 0700', async () => {
    holdfast = await Holdfast.start({ env: { AUTH_TOKEN: '' } });
    const token = readFileSync(join(holdfast.dataDir, 'auth-token'), 'utf8').trim();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const attachments = [{ name: 'note.txt', mimeType: 'text/plain', size: 2, data: 'aGk=' }];
    const body = JSON.stringify({ message: 'see this', projectPath: holdfast.project, attachments, wait: true });
    const answer = await fetch(`${holdfast.url}/api/chat`, { method: 'POST', headers, body });
    expect(await answer.json()).toMatchObject({ state: 'completed', content: 'You said: see this (with note.txt)' });
    const found = readdirSync(holdfast.dataDir, { recursive: true, encoding: 'utf8' }).map((name) => {
      const { mode } = statSync(join(holdfast.dataDir, name));
      return [
        name.replace(/[0-9a-f-]{36}/g, '<id>'),
        (mode & 0o7777).toString(8),
        statSync(join(holdfast.dataDir, name)).isDirectory() ? '700' : '600',
      ];
    });
    expect(found.filter(([, mode, wanted]) => mode !== wanted)).toEqual([]);
    expect((statSync(holdfast.dataDir).mode & 0o7777).toString(8)).toBe('700');
    const names = found.map(([name]) => name);
    const expected = [
      'holdfast.db',
      'holdfast.db-wal',
      'lock.db',
      'auth-token',
      'server.json',
      'incarnations/<id>/out',
      'incarnations/<id>/claim',
    ];
    expect(names).toEqual(expect.arrayContaining(expected));
    expect(names).toContain('incarnations/<id>/files/<id>/0/note.txt');
    // The next server takes the same token, and prints it no more.
    const printed = holdfast.output.length;
    await holdfast.stop();
    await holdfast.start();
    expect(holdfast.output.slice(printed)).not.toContain(token);
    expect((await fetch(`${holdfast.url}/api/sessions`, { headers })).status).toBe(200);
  });
});
