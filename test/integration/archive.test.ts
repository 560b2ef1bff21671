import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { LogsView, SessionView, StatusView } from '../../server/contracts/views.ts';
import { journalOf } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { tokens } from '../support/kill-checks.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

/** The packed journals of a session. */
function packedOf(holdfast: Holdfast, sessionId: string): string[] {
  const folder = join(holdfast.dataDir, 'archive', sessionId);
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

/** A packed journal as folders and files again. */
function unpack(packed: string): string {
  const into = mkdtempSync(join(tmpdir(), 'holdfast-unpacked-'));
  onTestFinished(() => rmSync(into, { recursive: true }));
  execFileSync('tar', ['-xzf', packed, '-C', into]);
  return join(into, readdirSync(into)[0] ?? '');
}

const archive = (holdfast: Holdfast, id: string) => holdfast.client.call<StatusView>('POST', `/api/sessions/${id}/archive`);

describe('archiving a conversation with the real Claude CLI', () => {
  let claude: ClaudeHoldfast;

  beforeAll(async () => {
    claude = await claudeHoldfast();
  });
  afterAll(() => claude.dispose());

  it('[AR1] ends its process, packs every journal byte for byte, and leaves messages and events to be read', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const projectPath = holdfast.folder('packed');
    const { sessionId } = await client.ask({ message: 'remember the word kiwi', projectPath });
    const folders = [await journalOf(holdfast, sessionId)];
    await client.call('POST', `/api/sessions/${sessionId}/stop`);
    await client.ask({ message: 'what word', projectPath });
    folders.push(await journalOf(holdfast, sessionId));
    const { pid } = await client.status(sessionId);
    const written = folders.map((folder) => readFileSync(join(folder, 'in'), 'utf8'));
    const said = readFileSync(join(folders[0] ?? '', 'out'), 'utf8');
    const before = { messages: await client.messages(sessionId), events: await client.events(sessionId) };

    expect(await archive(holdfast, sessionId)).toMatchObject({
      status: 200,
      body: { state: 'archived', lastExit: { reason: 'finished' } },
    });
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
    const packed = packedOf(holdfast, sessionId);
    expect(packed.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
    const unpacked = packed.map(unpack);
    expect(unpacked.map((folder) => readFileSync(join(folder, 'in'), 'utf8')).sort()).toEqual([...written].sort());
    expect(unpacked.map((folder) => readFileSync(join(folder, 'out'), 'utf8'))).toContain(said);
    for (const folder of unpacked) expect(readdirSync(folder)).toEqual(expect.arrayContaining(['err', 'exit.0', 'in', 'out']));

    expect(await client.messages(sessionId)).toEqual(before.messages);
    const events = await client.events(sessionId);
    expect(events.slice(0, before.events.length)).toEqual(before.events);
    expect(events.slice(before.events.length).map(({ kind }) => kind)).toEqual(['session.exited', 'session.archived']);
    expect(await client.session(sessionId)).toMatchObject({ state: 'archived', archivedAt: events.at(-1)?.at });
  });

  it('[AR2] takes no message and no start any more, and its project begins a new conversation', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const projectPath = holdfast.folder('closed');
    const { sessionId } = await client.ask({ message: 'hello', projectPath });
    await archive(holdfast, sessionId);
    expect(await client.send({ message: 'more', sessionId })).toMatchObject({ status: 409, body: { code: 'session-archived' } });
    for (const act of ['start', 'wake', 'pause']) await client.call('POST', `/api/sessions/${sessionId}/${act}`);
    expect(await client.status(sessionId)).toMatchObject({ state: 'archived' });
    const next = await client.ask({ message: 'hello', projectPath });
    expect(next).toMatchObject({ resumed: false, state: 'completed' });
    expect(next.sessionId).not.toBe(sessionId);
    expect((await archive(holdfast, sessionId)).status).toBe(200);
    await holdfast.kill();
    await holdfast.start();
    expect(await holdfast.client.status(sessionId)).toMatchObject({ state: 'archived' });
    expect((await holdfast.client.events(sessionId)).filter(({ kind }) => kind === 'session.archived')).toHaveLength(1);
  });

  it('[AR13] its name and labels can still be changed, its mode and model no more', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const { body } = await client.call<SessionView>('POST', '/api/sessions', { projectPath: holdfast.folder('renamed') });
    await archive(holdfast, body.sessionId);
    const patch = (change: unknown) => client.call<SessionView>('PATCH', `/api/sessions/${body.sessionId}`, change);
    const labelled = await patch({ name: 'Put away', labels: ['old'] });
    expect(labelled).toMatchObject({ status: 200, body: { state: 'archived', name: 'Put away', labels: ['old'] } });
    for (const change of [{ mode: 'plan' }, { model: 'sonnet' }, { model: null }, { name: 'No', mode: 'plan' }]) {
      expect(await patch(change)).toMatchObject({ status: 409, body: { code: 'session-archived' } });
    }
    expect(await client.session(body.sessionId)).toEqual(labelled.body);
    const changes = (await client.events(body.sessionId)).map(({ kind }) => kind);
    expect(changes).toEqual(['session.created', 'session.archived', 'session.renamed', 'session.updated']);
  });

  it('[AR14] what its last process printed can still be read, and is the same as before', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.folder('logs') });
    await client.call('POST', `/api/sessions/${sessionId}/stop`);
    const logs = async (query: string): Promise<LogsView> =>
      (await client.call<LogsView>('GET', `/api/sessions/${sessionId}/logs${query}`)).body;
    const queries = ['', '?tail=3', '?stream=out&tail=1', '?stream=err'];
    const before = await Promise.all(queries.map(logs));
    expect(before[1]).toMatchObject({ out: expect.any(Array) as unknown, truncated: true });
    await archive(holdfast, sessionId);
    expect(await Promise.all(queries.map(logs))).toEqual(before);
  });

  it('[AR3] gives up the turn that runs, and what waits behind it', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const running = (await client.send({ message: 'tokens=500 delay=20', projectPath: holdfast.folder('busy') })).body;
    const { sessionId } = running;
    const waiting = (await client.send({ message: 'hello', sessionId })).body;
    await eventually(async () => (await client.status(sessionId)).turn?.state === 'running');
    expect(await archive(holdfast, sessionId)).toMatchObject({ body: { state: 'archived', lastExit: { reason: 'killed-by-user' } } });
    const endings = (await client.events(sessionId)).flatMap((event) =>
      /^turn\.(interrupted|cancelled)$/.test(event.kind) ? [[event.turnId, event.kind]] : [],
    );
    expect(Object.fromEntries(endings)).toEqual({ [running.messageId]: 'turn.interrupted', [waiting.messageId]: 'turn.cancelled' });
  });
});

describe('archiving, and what comes between', () => {
  let holdfast: Holdfast;

  beforeAll(async () => {
    holdfast = await Holdfast.start({ env: { COMPACT_AFTER_SECONDS: '0' } });
  });
  afterAll(() => holdfast.dispose());

  /** A conversation with a journal of so many megabytes that do not pack well, so that packing takes its time. */
  async function talkative(name: string, megabytes: number): Promise<string> {
    const projectPath = holdfast.folder(name);
    const noise = execFileSync('head', ['-c', String(megabytes * 2 ** 20), '/dev/urandom'], { maxBuffer: 2 ** 28 }).toString('base64');
    const attachments = [{ name: 'noise.bin', mimeType: 'application/octet-stream', size: megabytes * 2 ** 20, data: noise }];
    return (await holdfast.client.ask({ message: 'read this', projectPath, attachments })).sessionId;
  }

  /** It is archived and whole, or not archived and whole. */
  async function expectOneOfTwo(sessionId: string): Promise<string> {
    const { client } = holdfast;
    const events = await client.events(sessionId);
    const archived = events.filter(({ kind }) => kind === 'session.archived').length;
    const { state } = await client.status(sessionId);
    expect(readdirSync(join(holdfast.dataDir, 'archive')).filter((name) => name.endsWith('.unfinished'))).toEqual([]);
    for (const packed of packedOf(holdfast, sessionId)) {
      expect(gunzipSync(readFileSync(packed)).length % 512).toBe(0);
      expect(statSync(join(unpack(packed), 'out')).size).toBeGreaterThan(0);
    }
    expect(archived).toBe(state === 'archived' ? 1 : 0);
    expect(await client.messages(sessionId)).toHaveLength(2);
    const { body } = await client.call<{ incarnationId: string; out: string[] }>('GET', `/api/sessions/${sessionId}/logs`);
    const folder = join(holdfast.dataDir, 'incarnations', body.incarnationId);
    expect(existsSync(folder)).toBe(state !== 'archived');
    if (state === 'archived') expect(packedOf(holdfast, sessionId)).toHaveLength(1);
    expect(body.out.length).toBeGreaterThan(0);
    return state;
  }

  /** Archives a session, kills the server with -9 at a moment, starts it again, and archives again. */
  async function killAt(sessionId: string, moment: () => Promise<unknown>): Promise<void> {
    const asked = archive(holdfast, sessionId).catch(() => null);
    await moment();
    await holdfast.kill();
    await asked;
    await holdfast.start();
    await eventually(async () => ['archived', 'dormant', 'ready'].includes((await holdfast.client.status(sessionId)).state));
    await expectOneOfTwo(sessionId);
    expect(await archive(holdfast, sessionId)).toMatchObject({ status: 200, body: { state: 'archived' } });
    expect(await expectOneOfTwo(sessionId)).toBe('archived');
  }

  it.each([20, 120, 250, 400, 600])(
    '[AR4] kill -9 of the server %i ms after the request: it is archived or it is not, and archiving again finishes it',
    async (milliseconds) => killAt(await talkative(`killed-${milliseconds}`, 8), () => sleep(milliseconds)),
  );

  /** What can be seen of an archiving from outside, in this order. */
  const moments: Record<string, (sessionId: string, journal: string) => boolean> = {
    'a journal is being packed': () => readdirSync(join(holdfast.dataDir, 'archive')).some((name) => name.endsWith('.unfinished')),
    'a journal is packed': (sessionId) => packedOf(holdfast, sessionId).length > 0,
    'its folder begins to go': (_sessionId, journal) => !existsSync(join(journal, 'out')) || !existsSync(join(journal, 'in')),
    'its folder is gone': (_sessionId, journal) => !existsSync(journal),
  };
  it.each(Object.entries(moments))(
    '[AR4] kill -9 of the server when %s: it is archived or it is not, and archiving again finishes it',
    async (name, seen) => {
      const sessionId = await talkative(name.replaceAll(' ', '-'), 8);
      const journal = await journalOf(holdfast, sessionId);
      await killAt(sessionId, async () => {
        const end = performance.now() + 20_000;
        while (!seen(sessionId, journal) && performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
      });
    },
  );

  it('[AR6] a server that is told to stop in the middle gives it up, says so, and the next one does it', async () => {
    const sessionId = await talkative('stopped', 12);
    await holdfast.client.call('POST', `/api/sessions/${sessionId}/stop`);
    const asked = archive(holdfast, sessionId).catch(() => null);
    await eventually(() => readdirSync(join(holdfast.dataDir, 'archive')).some((name) => name.endsWith('.unfinished')));
    await holdfast.stop();
    const answer = await asked;
    if (answer) expect(answer).toMatchObject({ status: 503, body: { code: 'shutting-down' } });
    await holdfast.start();
    expect(await expectOneOfTwo(sessionId)).toBe('dormant');
    expect((await archive(holdfast, sessionId)).status).toBe(200);
    await expectOneOfTwo(sessionId);
  });

  it('[AR10] two requests at once are one archiving', async () => {
    const sessionId = await talkative('twice', 2);
    const answers = await Promise.all([archive(holdfast, sessionId), archive(holdfast, sessionId), archive(holdfast, sessionId)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await expectOneOfTwo(sessionId);
  });

  it('[AR11] a message that comes while journals are packed is answered, and the session is left as it was', async () => {
    const { client } = holdfast;
    const sessionId = await talkative('given-way', 12);
    const asked = archive(holdfast, sessionId);
    await eventually(() => readdirSync(join(holdfast.dataDir, 'archive')).some((name) => name.endsWith('.unfinished')));
    expect(await client.ask({ message: 'tokens=3', sessionId })).toMatchObject({ state: 'completed', content: tokens(3) });
    expect(await asked).toMatchObject({ status: 409, body: { code: 'session-busy' } });
    expect(await client.status(sessionId)).toMatchObject({ state: 'ready' });
    expect((await archive(holdfast, sessionId)).status).toBe(200);
    expect(packedOf(holdfast, sessionId)).toHaveLength(2);
  });

  it('[AR11] a message at any moment is answered, given up with the process, or refused; nothing comes after the archiving', async () => {
    const { client } = holdfast;
    for (const milliseconds of [0, 5, 20, 60, 100, 150, 250, 400]) {
      const sessionId = await talkative(`between-${milliseconds}`, 4);
      const asked = archive(holdfast, sessionId);
      await sleep(milliseconds);
      const sent = await client.send({ message: 'tokens=3', sessionId });
      const { status } = await asked;
      expect([202, 409]).toContain(sent.status);
      const endings = await eventually(async () => {
        const found = (await client.events(sessionId)).filter(({ kind }) => /^turn\.(completed|cancelled|interrupted)$/.test(kind));
        return found.length === (sent.status === 202 ? 2 : 1) ? found : null;
      });
      if (sent.status === 409) expect(status).toBe(200);
      if (status === 409) expect(endings.at(-1)).toMatchObject({ kind: 'turn.completed', data: { text: tokens(3) } });
      else expect((await client.events(sessionId)).at(-1)?.kind).toBe('session.archived');
    }
  });

  it('[AR12] a deleted session leaves nothing in the archive', async () => {
    const sessionId = await talkative('deleted', 1);
    await archive(holdfast, sessionId);
    expect(packedOf(holdfast, sessionId)).toHaveLength(1);
    expect((await holdfast.client.call('DELETE', `/api/sessions/${sessionId}`)).status).toBe(200);
    expect(existsSync(join(holdfast.dataDir, 'archive', sessionId))).toBe(false);
    expect((await archive(holdfast, sessionId)).status).toBe(404);
  });

  it('[AR12] a session that is deleted while it is being archived is gone with everything', async () => {
    const sessionId = await talkative('deleted-meanwhile', 8);
    const asked = archive(holdfast, sessionId);
    await sleep(100);
    expect((await holdfast.client.call('DELETE', `/api/sessions/${sessionId}`)).status).toBe(200);
    expect([200, 404]).toContain((await asked).status);
    expect(existsSync(join(holdfast.dataDir, 'archive', sessionId))).toBe(false);
    expect((await holdfast.client.call('GET', `/api/sessions/${sessionId}`)).status).toBe(404);
  });
});
