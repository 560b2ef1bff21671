import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusView } from '../../server/contracts/views.ts';
import { eventOf } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { PublishedApp } from '../support/published-app.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';

describe('a request of the published app that is held', () => {
  const clocked = join(import.meta.dirname, '../../bench/day/server-on-clock.ts');
  let holdfast: Holdfast;
  beforeAll(async () => {
    holdfast = await Holdfast.start({ program: clocked, env: { COMPACT_AFTER_SECONDS: '3600' } });
  });
  afterAll(() => holdfast.dispose());
  const advance = async (ms: number): Promise<void> => {
    const clock = /The clock listens on (\S+)/.exec(holdfast.output)?.[1] ?? '';
    await fetch(`${clock}/advance?ms=${ms}&step=1000`, { method: 'POST' });
  };
  const running = (sessionId: string): Promise<StatusView> =>
    eventually(async () => {
      const status = await holdfast.client.status(sessionId);
      return status.turn?.state === 'waiting' ? status : null;
    });
  const warmed = async (name: string): Promise<{ project: string; sessionId: string; app: PublishedApp }> => {
    const project = holdfast.folder(name);
    const app = new PublishedApp(holdfast.client);
    await app.send('hello', project);
    return { project, app, sessionId: app.sessions.get(project) ?? '' };
  };
  /** A request whose turn waits for a decision, so that a test can say when it goes on. */
  const decide = async (sessionId: string, after: number): Promise<void> => {
    const asked = await eventOf(holdfast.client, sessionId, 'approval.requested', after);
    const { approvalId } = asked.data as { approvalId: string };
    await holdfast.client.call('POST', `/api/sessions/${sessionId}/approvals/${approvalId}`, { decision: 'allow' });
  };

  it('[PA3] whose turn still runs after 110 s gets the 202, not before, and the turn goes on', async () => {
    const { app, project, sessionId } = await warmed('slow');
    const { cursor } = await holdfast.client.session(sessionId);
    let reply: Awaited<ReturnType<typeof holdfast.client.call>> | null = null;
    const held = holdfast.client.call('POST', '/api/chat', app.body('approve: it', project)).then((answer) => (reply = answer));
    await running(sessionId);
    await advance(105_000);
    expect(reply).toBeNull();
    await advance(6_000);
    expect(await held).toMatchObject({ status: 202, body: { success: true, sessionId, state: 'accepted', deliveryMethod: 'poll' } });
    await decide(sessionId, cursor);
    const completed = await eventOf(holdfast.client, sessionId, 'turn.completed', cursor);
    expect(completed.data).toMatchObject({ text: 'Approved: it' });
  });

  it('[PA4] whose client hangs up cancels nothing', async () => {
    const { app, project, sessionId } = await warmed('gone');
    const { cursor } = await holdfast.client.session(sessionId);
    const phone = new AbortController();
    const { url, client } = holdfast;
    const init = { method: 'POST', headers: client.headers, body: JSON.stringify(app.body('approve: that', project)) };
    const hungUp = fetch(`${url}/api/chat`, { ...init, signal: phone.signal }).catch((error: Error) => error.name);
    await running(sessionId);
    phone.abort();
    expect(await hungUp).toBe('AbortError');
    await decide(sessionId, cursor);
    await eventOf(client, sessionId, 'turn.completed', cursor);
    expect((await client.messages(sessionId)).map(({ text }) => text).at(-1)).toBe('Approved: that');
  });

  it.each(['messageId', 'Idempotency-Key'])(
    '[PA5] sent again under its %s while it is held is one turn, and every try gets the answer',
    async (by) => {
      const { app, project, sessionId } = await warmed(by);
      const { client } = holdfast;
      const { cursor } = await client.session(sessionId);
      const id = randomUUID();
      const headers = by === 'messageId' ? {} : { 'idempotency-key': id };
      const send = (): Promise<{ status: number; body: unknown }> =>
        client.call('POST', '/api/chat', app.body('approve: once', project, by === 'messageId' ? { messageId: id } : {}), headers);
      const tries = [send(), send(), send()];
      await running(sessionId);
      tries.push(send());
      await decide(sessionId, cursor);
      const answers = await Promise.all(tries);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(answers[0]?.body).toMatchObject({ success: true, content: 'Approved: once' });
      expect((await client.events(sessionId, cursor)).filter(({ kind }) => kind === 'turn.accepted')).toHaveLength(1);
    },
  );

  it('[PA6] beyond 200 at a time is refused with 429 and leaves nothing behind, and nobody else is', { timeout: 120_000 }, async () => {
    const { app, project, sessionId } = await warmed('many');
    const { client } = holdfast;
    const { cursor } = await client.session(sessionId);
    const send = (message: string, messageId: string) =>
      client.call<Record<string, unknown>>('POST', '/api/chat', app.body(message, project, { messageId }));
    const id = randomUUID();
    // One more than there are places: the only one that gets an answer before the turn goes on.
    const held = Array.from({ length: 201 }, () => send('approve: all', id));
    expect((await Promise.race(held)).status).toBe(429);
    const refused = await send('one too many', NOBODY);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    expect(app.read(refused)).toMatchObject({ kind: 'error' });
    expect((await client.call('GET', `/api/messages/${NOBODY}`)).status).toBe(404);
    expect((await client.send({ message: 'not held', sessionId })).status).toBe(202);
    await decide(sessionId, cursor);
    const statuses = (await Promise.all(held)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(200);
    expect((await send('one too many', NOBODY)).status).toBe(200);
  });

  it('[PA8] whose turn did not complete says why, in words, where the app looks', async () => {
    const { app, project } = await warmed('failing');
    expect(await app.send('fail', project)).toMatchObject({
      kind: 'shown',
      text: expect.stringContaining('asked for a failure') as string,
    });
    expect(await app.send('crash', project)).toMatchObject({ kind: 'shown', text: expect.stringContaining('process ended') as string });
  });

  it('[PA20] says how to wait, or asks for a stream, and is answered in that way', async () => {
    const { app, project } = await warmed('knows');
    const { client } = holdfast;
    expect((await client.call('POST', '/api/chat', app.body('hello', project, { wait: false }))).status).toBe(202);
    const stream = client.stream('/api/chat', { method: 'POST', body: JSON.stringify(app.body('hello', project)) });
    const kinds: string[] = [];
    for await (const { kind } of stream) kinds.push(kind);
    expect(kinds.at(-1)).toBe('turn.completed');
  });
});

describe('the published app where a push reaches it', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    const program = join(import.meta.dirname, '../support/pushing-server.ts');
    holdfast = await Holdfast.start({ program, env: { PUSHED_DEVICE: 'a1b2c3' } });
  });
  afterAll(() => holdfast.dispose());

  it('[PA7] is told so at once, and only where it is so', async () => {
    const { client, project } = holdfast;
    const reached = new PublishedApp(client, 'a1b2c3');
    expect(await reached.send('tokens=20 delay=20', project)).toMatchObject({ kind: 'pushed' });
    for (const token of ['another', undefined]) {
      expect(await new PublishedApp(client, token).send('hello', project)).toMatchObject({ kind: 'shown', text: 'You said: hello' });
    }
    const waits = await client.call('POST', '/api/chat', reached.body('hello', project, { wait: true }));
    expect(waits).toMatchObject({ status: 200, body: { deliveryMethod: 'apns', content: 'You said: hello' } });
  });
});

describe('the published app where a push reaches it and all places are taken', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    const program = join(import.meta.dirname, '../support/pushing-server.ts');
    holdfast = await Holdfast.start({ program, env: { PUSHED_DEVICE: 'a1b2c3' } });
  });
  afterAll(() => holdfast.dispose());

  it('[PA6] is told so all the same: it needs no place', { timeout: 120_000 }, async () => {
    const { client, project } = holdfast;
    const other = new PublishedApp(client);
    await other.send('hello', project);
    const body = other.body('approve: all', project, { messageId: randomUUID() });
    const held = Array.from({ length: 201 }, () => client.call('POST', '/api/chat', body));
    // One more than there are places.
    expect((await Promise.race(held)).status).toBe(429);
    const elsewhere = holdfast.folder('elsewhere');
    expect(await new PublishedApp(client, 'a1b2c3').send('hello', elsewhere)).toMatchObject({ kind: 'pushed' });
    expect(await new PublishedApp(client, 'another').send('hello', elsewhere)).toMatchObject({ kind: 'error' });
    await client.call('POST', '/api/chat/kill', { sessionId: other.sessions.get(project) });
    await Promise.all(held);
  });
});

describe('a server that is told to stop', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    holdfast = await Holdfast.start();
  });
  afterAll(() => holdfast.dispose());

  it('[PA9] answers the requests that it holds with a 202, and the next one goes on with their turns', async () => {
    const { client, project } = holdfast;
    const app = new PublishedApp(client);
    await app.send('hello', project);
    const sessionId = app.sessions.get(project) ?? '';
    const { cursor } = await client.session(sessionId);
    const held = client.call('POST', '/api/chat', app.body('approve: later', project));
    const asked = await eventOf(client, sessionId, 'approval.requested', cursor);
    await holdfast.stop();
    expect(await held).toMatchObject({ status: 202, body: { success: true, sessionId } });
    await holdfast.start();
    const { approvalId } = asked.data as { approvalId: string };
    await holdfast.client.call('POST', `/api/sessions/${sessionId}/approvals/${approvalId}`, { decision: 'allow' });
    await eventOf(holdfast.client, sessionId, 'turn.completed', cursor);
  });
});
