import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionView } from '../../server/contracts/views.ts';
import { eventOf } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { streamedText, tokens } from '../support/kill-checks.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

describe('a fork of a conversation with the real Claude CLI', () => {
  let claude: ClaudeHoldfast;

  beforeAll(async () => {
    claude = await claudeHoldfast();
  });
  afterAll(() => claude.dispose());

  async function fork(id: string, body: object = {}, headers: Record<string, string> = {}): Promise<SessionView> {
    const { status, body: view } = await claude.holdfast.client.call<SessionView>('POST', `/api/sessions/${id}/fork`, body, headers);
    expect(status).toBe(201);
    return view;
  }
  const say = (sessionId: string, message: string): Promise<{ content: string; state: string }> =>
    claude.holdfast.client.ask({ message, sessionId });
  /** A conversation that remembers a word. */
  async function knowing(word: string): Promise<string> {
    return (await claude.holdfast.client.ask({ message: `remember the word ${word}`, projectPath: claude.holdfast.folder(word) }))
      .sessionId;
  }

  it('[FK1] knows what the parent knew; from then on neither knows of the other, also after both were resumed', async () => {
    const { client } = claude.holdfast;
    const parent = await knowing('kiwi');
    const copy = await fork(parent, { name: 'The other way' });
    expect(copy).toMatchObject({ name: 'The other way', forkedFrom: parent, state: 'dormant', cursor: 1 });
    expect(await client.messages(copy.sessionId)).toEqual([]);
    expect((await say(copy.sessionId, 'what word')).content).toBe('The word is kiwi.');
    await say(copy.sessionId, 'remember the word plum');
    expect((await say(parent, 'what word')).content).toBe('The word is kiwi.');
    await say(parent, 'remember the word lime');
    for (const id of [parent, copy.sessionId]) await client.call('POST', `/api/sessions/${id}/stop`);
    expect((await say(copy.sessionId, 'what word')).content).toBe('The word is plum.');
    expect((await say(parent, 'what word')).content).toBe('The word is lime.');
    expect((await client.session(copy.sessionId)).forkedFrom).toBe(parent);
    expect((await client.session(parent)).forkedFrom).toBeUndefined();
  });

  it('[FK2] can be made and used while the parent runs a turn, which loses nothing', async () => {
    const { client } = claude.holdfast;
    const parent = await knowing('fig');
    // Longer than any copy takes on a busy machine; it is cancelled in the end.
    const message = { message: 'tokens=3000 delay=20', sessionId: parent, messageId: crypto.randomUUID() };
    await client.send(message);
    const said = async (): Promise<string> => streamedText(await client.events(parent), message.messageId);
    await eventually(async () => (await said()).length > 10);
    const copy = await fork(parent);
    expect((await say(copy.sessionId, 'what word')).content).toBe('The word is fig.');
    expect((await client.status(parent)).turn).toMatchObject({ id: message.messageId, state: 'running' });
    const before = await said();
    await eventually(async () => (await said()).length > before.length + 10);
    await client.call('POST', `/api/sessions/${parent}/cancel`);
    await eventOf(client, parent, 'turn.cancelled');
    expect(tokens(3000).startsWith(await said())).toBe(true);
    expect((await say(parent, 'what word')).content).toBe('The word is fig.');
  });

  it('[FK3] of a parent that never had a turn is a new conversation', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('silent');
    const parent = (await client.call<SessionView>('POST', '/api/sessions', { projectPath, mode: 'plan', labels: ['x'] })).body;
    await client.call('POST', `/api/sessions/${parent.sessionId}/start`);
    const copy = await fork(parent.sessionId);
    expect(copy).toMatchObject({ projectPath, mode: 'plan', labels: ['x'], forkedFrom: parent.sessionId });
    expect((await say(copy.sessionId, 'what word')).content).toBe('I know no word.');
    expect((await client.events(copy.sessionId)).filter(({ kind }) => kind === 'notice' || kind === 'session.exited')).toEqual([]);
  });

  it('[FK4] that had a process but no message yet is copied again by the next process', async () => {
    const { client } = claude.holdfast;
    const copy = await fork(await knowing('pear'));
    await client.call('POST', `/api/sessions/${copy.sessionId}/start`);
    await eventually(async () => (await client.status(copy.sessionId)).state === 'ready');
    await client.call('POST', `/api/sessions/${copy.sessionId}/stop`);
    const again = await fork(copy.sessionId);
    for (const { sessionId } of [copy, again]) {
      expect((await say(sessionId, 'what word')).content).toBe('The word is pear.');
      expect((await client.events(sessionId)).filter(({ kind }) => kind === 'notice')).toEqual([]);
    }
  });

  it('[FK5] of an archived conversation goes on where that ended', async () => {
    const parent = await knowing('date');
    expect((await claude.holdfast.client.call('POST', `/api/sessions/${parent}/archive`)).status).toBe(200);
    expect((await say((await fork(parent)).sessionId, 'what word')).content).toBe('The word is date.');
  });

  it('[FK6] is made once for an Idempotency-Key, has a name of its own, and no parent is 404', async () => {
    const { client } = claude.holdfast;
    const parent = await knowing('olive');
    const key = { 'idempotency-key': 'fork-1' };
    const first = await fork(parent, {}, key);
    expect(first.name).toBe('remember the word olive (fork)');
    expect((await fork(first.sessionId)).name).toBe(first.name);
    expect((await fork(parent, {}, key)).sessionId).toBe(first.sessionId);
    const path = `/api/sessions/${parent}/fork`;
    expect(await client.call('POST', path, { name: 'x' }, key)).toMatchObject({ status: 422, body: { code: 'idempotency-conflict' } });
    expect(await client.call('POST', path, { name: '' })).toMatchObject({ status: 400, body: { errors: [{ field: 'name' }] } });
    expect((await client.call('POST', `/api/sessions/${crypto.randomUUID()}/fork`)).status).toBe(404);
  });
});
