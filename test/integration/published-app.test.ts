import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProjectsView } from '../../server/contracts/server-views.ts';
import type { HistoryPage, StatusView, StoredMessageView } from '../../server/contracts/views.ts';
import { journalOf, runs } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast, TOKEN } from '../support/holdfast.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';
import { PublishedApp } from '../support/published-app.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';
/** One red pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
/** As the app makes it of its settings. */
const autoResponse = {
  enabled: true,
  mode: 'smart_stop',
  limits: { stopOnError: true, stopOnCompletion: true, requireExplicitCompletion: false, maxMessages: 5 },
  projectName: 'web',
  useAI: false,
  minConfidence: 0.75,
};

describe('the published app with Claude Code', () => {
  let claude: ClaudeHoldfast;
  beforeAll(async () => {
    claude = await claudeHoldfast();
  });
  afterAll(() => claude.dispose());

  it('[PA1] is held until its answer is there, and goes on with the conversation, with and without its id', async () => {
    const { client, project } = claude.holdfast;
    const app = new PublishedApp(client);
    const first = await app.send('remember the word plum', project);
    expect(first).toMatchObject({ kind: 'shown', text: 'I will remember plum.' });
    const id = app.sessions.get(project) ?? '';
    expect(await app.send('what word', project, { mode: 'planning' })).toEqual({ kind: 'shown', sessionId: id, text: 'The word is plum.' });
    app.sessions.clear();
    expect(await app.send('what word', project, { mode: 'code' })).toEqual({ kind: 'shown', sessionId: id, text: 'The word is plum.' });
    expect(claude.askedFor('what word')).toBe(2);
  });

  it('[PA2] its modes and its workspace mean what it takes them for, and its picture reaches the agent', async () => {
    const { client, root } = claude.holdfast;
    const app = new PublishedApp(client);
    const path = claude.holdfast.folder('modes');
    const mode = async (): Promise<string> => (await client.session(app.sessions.get(path) ?? '')).mode;
    const attachments = [{ name: 'red.png', mimeType: 'image/png', size: Buffer.from(PIXEL, 'base64').length, data: PIXEL }];
    expect(await app.send('look', path, { mode: 'code', attachments })).toMatchObject({ kind: 'shown' });
    expect(await mode()).toBe('accept-edits');
    const journal = await journalOf(claude.holdfast, app.sessions.get(path) ?? '');
    expect(readFileSync(join(journal, 'in'), 'utf8')).toContain(PIXEL);
    await app.send('hello', path, { mode: 'planning' });
    expect(await mode()).toBe('plan');
    await app.send('hello', path, { mode: 'normal' });
    expect(await mode()).toBe('ask');
    const everywhere = await app.send('hello', '__workspace__');
    expect(everywhere).toMatchObject({ kind: 'shown' });
    expect((await client.session(app.sessions.get('__workspace__') ?? '')).projectPath).toBe(root);
  });

  it('[PA12] fetches a long answer whole, and the history, in the shapes that it reads', async () => {
    const { client } = claude.holdfast;
    const project = claude.holdfast.folder('long');
    const app = new PublishedApp(client);
    const shown = await app.send('size=20000', project);
    const sessionId = app.sessions.get(project) ?? '';
    const { body: history } = await client.call<HistoryPage>('GET', `/api/messages?session_id=${sessionId}&limit=100`);
    expect(history).toMatchObject({ total: 2, hasMore: false });
    expect(history.messages.map(({ sender, content }) => [sender, content.length])).toEqual([
      ['user', 10],
      ['assistant', 20_000],
    ]);
    // Its date formats have milliseconds.
    for (const { timestamp } of history.messages) expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const { body: message } = await client.call<StoredMessageView>('GET', `/api/messages/${history.messages[1]?.id}`);
    expect(message).toMatchObject({ id: history.messages[1]?.id, content: 'x'.repeat(20_000), timestamp: Date.parse(message.createdAt) });
    expect(message.result).toEqual({ content: message.content, metadata: message.metadata });
    expect(Object.values(message.metadata).every((value) => typeof value === 'string')).toBe(true);
    expect(message.metadata).toMatchObject({ sessionId, role: 'assistant', projectPath: project, agent: 'claude' });
    expect(shown).toMatchObject({ text: message.content });
    const { body: last } = await client.call<HistoryPage>('GET', `/api/messages?session_id=${sessionId.toUpperCase()}&limit=1`);
    expect(last).toMatchObject({ messages: [{ sender: 'assistant' }], total: 2, hasMore: true });
  });

  it('[PA11] kills a session at work: the process ends, the request that is held hears of it, and the conversation goes on', async () => {
    const { client } = claude.holdfast;
    const project = claude.holdfast.folder('killed');
    const app = new PublishedApp(client);
    await app.send('remember the word lime', project);
    const sessionId = app.sessions.get(project) ?? '';
    const held = app.send('tokens=1000 delay=50', project);
    const { turn, pid = 0 } = await eventually(async () => {
      const status = await client.status(sessionId);
      return status.turn?.state === 'running' ? status : null;
    });
    const kill = { sessionId, reason: 'User requested cancellation', deviceToken: 'a1b2c3' };
    expect(await client.call<StatusView>('POST', '/api/chat/kill', kill)).toMatchObject({
      status: 200,
      body: { success: true, sessionId },
    });
    expect(runs(pid)).toBe(false);
    expect(await held).toMatchObject({ kind: 'shown', sessionId, text: expect.stringMatching(/\w+ \w+/) as string });
    expect(turn?.id).toBeDefined();
    const { cursor } = await client.session(sessionId);
    expect((await client.call('POST', '/api/chat/kill', kill)).status).toBe(200);
    expect((await client.session(sessionId)).cursor).toBe(cursor);
    app.sessions.clear();
    expect(await app.send('what word', project)).toMatchObject({ sessionId, text: 'The word is lime.' });
    const nobody = await client.call<Record<string, unknown>>('POST', '/api/chat/kill', { ...kill, sessionId: NOBODY });
    expect([nobody.status, app.read(nobody)]).toEqual([404, { kind: 'error', text: `There is no session ${NOBODY}.` }]);
  });
});

describe('what the published app asks for beside', () => {
  let holdfast: Holdfast;
  let project: string;
  beforeAll(async () => {
    holdfast = await Holdfast.start();
    project = holdfast.project;
    writeFileSync(join(holdfast.folder('web'), 'package.json'), '{}');
  });
  afterAll(() => holdfast.dispose());

  it('[PA10] its automatic replies are kept with the turn and told as text, after a restart too', async () => {
    const app = new PublishedApp(holdfast.client);
    await app.send('hello', project, { autoResponse });
    const sessionId = app.sessions.get(project) ?? '';
    await app.send('hello again', project);
    await app.send('and again', project, { autoResponse: true });
    await holdfast.kill();
    await holdfast.start();
    const said = await Promise.all(
      (await holdfast.client.messages(sessionId)).map(async ({ id }) => {
        const { body } = await holdfast.client.call<StoredMessageView>('GET', `/api/messages/${id}`);
        return [body.role, body.metadata['autoResponse']];
      }),
    );
    const kept = JSON.stringify(autoResponse);
    expect(said).toEqual([
      ['user', kept],
      ['assistant', kept],
      ['user', undefined],
      ['assistant', undefined],
      ['user', 'true'],
      ['assistant', 'true'],
    ]);
  });

  it('[PA14] lists the projects, each of which it can send to', async () => {
    const { client, root } = holdfast;
    const { status, body } = await client.call<ProjectsView>('GET', '/api/projects');
    expect(status).toBe(200);
    expect(body).toMatchObject({ basePath: root, truncated: false });
    const named = (name: string): unknown => body.projects.find((found) => found.name === name);
    expect(named('web')).toEqual({ name: 'web', path: join(root, 'web'), type: 'node' });
    expect(named('project')).toEqual({ name: 'project', path: project, type: 'folder' });
    expect(await new PublishedApp(client).send('hello', join(root, 'web'))).toMatchObject({ kind: 'shown' });
  });

  it('[PA17] says in a sentence that no root can be read', async () => {
    const lost = await Holdfast.start({ env: { PROJECT_ROOTS: '/nowhere/at/all' } });
    try {
      const reply = await lost.client.call<Record<string, unknown>>('GET', '/api/projects');
      expect(reply.status).toBe(404);
      expect(new PublishedApp(lost.client).read(reply)).toEqual({
        kind: 'error',
        text: '/nowhere/at/all, of PROJECT_ROOTS, does not exist.',
      });
    } finally {
      await lost.dispose();
    }
  });

  const chat = (more: object): [string, string, object] => [
    'POST',
    '/api/chat',
    { message: 'hi', timestamp: '2026-01-01T00:00:00Z', ...more },
  ];
  const place = { projectPath: '__workspace__' };
  const deep = `{"message":"hi","projectPath":"__workspace__","autoResponse":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`;
  it.each<[what: string, request: [method: string, path: string, body?: object | string], status: number, fields: string[]]>([
    ['no project and no session', chat({}), 400, ['projectPath']],
    ['a mode that nobody knows', chat({ ...place, mode: 'yolo' }), 400, ['mode']],
    ['a timestamp that is no point in time', chat({ ...place, timestamp: {} }), 400, ['timestamp']],
    ['a workspace that is a number', chat({ ...place, workspace: 1 }), 400, ['workspace']],
    ['automatic replies as a text', chat({ ...place, autoResponse: 'yes' }), 400, ['autoResponse']],
    ['automatic replies as a list', chat({ ...place, autoResponse: [] }), 400, ['autoResponse']],
    ['automatic replies that are too long', chat({ ...place, autoResponse: { a: 'x'.repeat(10_001) } }), 400, ['autoResponse']],
    ['automatic replies that are too deep', ['POST', '/api/chat', deep], 400, ['autoResponse']],
    ['a device token that is a number', chat({ ...place, deviceToken: 5 }), 400, ['deviceToken']],
    ['a session that is no id', chat({ ...place, sessionId: 'x' }), 400, ['sessionId']],
    ['a session that nobody has', chat({ ...place, sessionId: NOBODY }), 404, []],
    ['a project outside the roots', chat({ projectPath: '/etc' }), 403, []],
    [
      'an attachment of another size',
      chat({ ...place, attachments: [{ name: 'a', mimeType: 'a/b', size: 9, data: 'AA==' }] }),
      400,
      ['attachments.0.size'],
    ],
    ['a kill without a session', ['POST', '/api/chat/kill', { reason: 'so' }], 400, ['sessionId']],
    ['a kill of what is no id', ['POST', '/api/chat/kill', { sessionId: 'x', reason: 'so' }], 400, ['sessionId']],
    [
      'a kill with wrong words',
      ['POST', '/api/chat/kill', { sessionId: NOBODY, reason: 1, deviceToken: [] }],
      400,
      ['reason', 'deviceToken'],
    ],
    ['a kill of a session that nobody has', ['POST', '/api/chat/kill', { sessionId: NOBODY, reason: 'so' }], 404, []],
    ['a kill by GET', ['GET', '/api/chat/kill'], 405, []],
    ['messages of no session', ['GET', '/api/messages'], 400, ['session_id']],
    ['messages of what is no id', ['GET', '/api/messages?session_id=x&limit=5'], 400, ['session_id']],
    ['messages of a session that nobody has', ['GET', `/api/messages?session_id=${NOBODY}`], 404, []],
    ['no messages', ['GET', `/api/messages?session_id=${NOBODY}&limit=0`], 400, ['limit']],
    ['too many messages', ['GET', `/api/messages?session_id=${NOBODY}&limit=1001`], 400, ['limit']],
    ['two sessions', ['GET', `/api/messages?session_id=${NOBODY}&session_id=${NOBODY}`], 400, ['session_id']],
    ['a message that nobody has', ['GET', `/api/messages/${NOBODY}`], 404, []],
    ['a message by what is no id', ['GET', '/api/messages/kill'], 404, []],
    ['projects by POST', ['POST', '/api/projects', {}], 405, []],
  ])('[PA19] is told what is wrong: %s', async (_what, [method, path, body], status, fields) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(holdfast.url + path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      ...(text === undefined ? {} : { body: text }),
    });
    const problem = (await response.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({ status, error: problem['detail'] });
    expect(response.status).toBe(status);
    expect(((problem['errors'] as { field: string }[] | undefined) ?? []).map(({ field }) => field)).toEqual(fields);
    for (const field of fields) expect(problem['error']).toContain(field);
  });

  it('[PA19] needs the token everywhere', async () => {
    for (const [method, path] of [
      ['POST', '/api/chat'],
      ['POST', '/api/chat/kill'],
      ['GET', '/api/messages'],
      ['GET', '/api/projects'],
    ] as const) {
      expect((await fetch(holdfast.url + path, { method })).status).toBe(401);
    }
  });
});
