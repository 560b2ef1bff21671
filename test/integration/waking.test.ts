import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActiveView, SessionsPage } from '../../server/contracts/views.ts';
import { eventOf, runs } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { active, liveIncarnations, markedPids } from '../support/live-processes.ts';
import { TestSocket } from '../support/socket.ts';
import { readySpares } from '../support/store-file.ts';

describe('waking', () => {
  let holdfast: Holdfast;
  beforeEach(async () => {
    holdfast = await Holdfast.start();
  });
  afterEach(() => holdfast.dispose());

  it.each([
    [
      'attach over /ws',
      async (id: string) => (await TestSocket.open(holdfast.url, '/ws')).request('session.attach', { sessionId: id, after: 0 }),
    ],
    ['focus over /ws', async (id: string) => (await TestSocket.open(holdfast.url, '/ws')).request('session.focus', { sessionId: id })],
    ['a stream of the session', (id: string) => TestSocket.open(holdfast.url, `/api/sessions/${id}/stream`)],
    ['POST …/wake', (id: string) => holdfast.client.call('POST', `/api/sessions/${id}/wake`)],
  ])('[PO30] %s starts a dormant session before the first word is typed', async (_what, look) => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'remember the word fig', projectPath: holdfast.project });
    await client.call('POST', `/api/sessions/${sessionId}/stop`);
    const { cursor } = await client.session(sessionId);
    await look(sessionId);
    await eventOf(client, sessionId, 'session.ready', cursor);
    expect((await client.events(sessionId, cursor)).map(({ kind }) => kind)).toEqual(['session.starting', 'session.ready']);
    const { pid, state } = await client.status(sessionId);
    expect(state).toBe('ready');
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is fig.');
    expect((await client.status(sessionId)).pid).toBe(pid);
  });
});

describe('a spare process', () => {
  let holdfast: Holdfast;
  afterEach(() => holdfast.dispose());

  /** The pid of the one spare, once it is ready; it carries our mark, and no session shows it. */
  async function sparePid(): Promise<number> {
    const [spare = 0, ...more] = await eventually(() => (readySpares(holdfast).length > 0 ? readySpares(holdfast) : null));
    expect(more).toEqual([]);
    expect(markedPids(holdfast).has(spare)).toBe(true);
    expect((await active(holdfast)).sessions.map(({ pid }) => pid)).not.toContain(spare);
    return spare;
  }

  const names = async (): Promise<string[]> =>
    (await holdfast.client.call<SessionsPage>('GET', '/api/sessions')).body.sessions.map(({ name }) => name);
  const pool = async (): Promise<ActiveView['pool']> => (await active(holdfast)).pool;

  it('[PO31] stands ready for the next new conversation of a project, which it answers, and another takes its place', async () => {
    holdfast = await Holdfast.start({ env: { WARM_SPARES: '1' } });
    const { client } = holdfast;
    await client.ask({ message: 'hello', projectPath: holdfast.project, name: 'first' });
    const spare = await sparePid();
    expect(await names()).toEqual(['first']);
    expect((await active(holdfast)).sessions).toHaveLength(1);
    const { body: second } = await client.call<{ sessionId: string }>('POST', '/api/sessions', {
      projectPath: holdfast.project,
      name: 'second',
    });
    const answer = await client.ask({ message: 'hello again', sessionId: second.sessionId });
    expect(answer.content).toBe('You said: hello again');
    expect((await client.status(second.sessionId)).pid).toBe(spare);
    expect((await names()).sort()).toEqual(['first', 'second']);
    expect(await sparePid()).not.toBe(spare);
    // It is an ordinary conversation now: its end does not take it away.
    await client.call('POST', `/api/sessions/${second.sessionId}/stop`);
    expect((await names()).sort()).toEqual(['first', 'second']);
    expect((await client.ask({ message: 'still there?', sessionId: second.sessionId })).content).toBe('You said: still there?');
  });

  it('[PO32] goes first when a slot is needed, before any conversation', async () => {
    holdfast = await Holdfast.start({ env: { WARM_SPARES: '1', MAX_CONCURRENT_SESSIONS: '2' } });
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.project });
    const spare = await sparePid();
    await client.ask({ message: 'hello', projectPath: holdfast.folder('other') });
    expect(runs(spare)).toBe(false);
    expect((await client.status(sessionId)).state).toBe('ready');
    expect(await pool()).toMatchObject({ live: 2 });
    expect(liveIncarnations(holdfast).size).toBe(2);
  });

  it('[PO33] survives a kill -9 of the server as a spare', async () => {
    holdfast = await Holdfast.start({ env: { WARM_SPARES: '1' } });
    await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project, name: 'first' });
    const spare = await sparePid();
    await holdfast.kill();
    await holdfast.start();
    expect(await names()).toEqual(['first']);
    expect(await sparePid()).toBe(spare);
    const { body } = await holdfast.client.call<{ sessionId: string }>('POST', '/api/sessions', { projectPath: holdfast.project });
    expect((await holdfast.client.ask({ message: 'hello', sessionId: body.sessionId })).state).toBe('completed');
    expect((await holdfast.client.status(body.sessionId)).pid).toBe(spare);
  });

  it('[PO37] that dies is replaced, also when nobody sends anything', async () => {
    holdfast = await Holdfast.start({ env: { WARM_SPARES: '1', HEALTH_CHECK_INTERVAL_SECONDS: '1' } });
    await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    const spare = await sparePid();
    process.kill(spare, 'SIGKILL');
    await eventually(() => readySpares(holdfast).some((pid) => pid !== spare));
    expect(await sparePid()).not.toBe(spare);
  });

  it('[PO34] that dies is removed with all that belongs to it, while the server runs or while it does not', async () => {
    holdfast = await Holdfast.start({ env: { WARM_SPARES: '1' } });
    await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project, name: 'first' });
    process.kill(await sparePid(), 'SIGKILL');
    await eventually(async () => (await pool()).live === 1);
    await eventually(() => holdfast.incarnations().length === 1);
    await holdfast.client.ask({ message: 'and another', projectPath: holdfast.project });
    const spare = await sparePid();
    await holdfast.kill();
    process.kill(spare, 'SIGKILL');
    await holdfast.start();
    expect(await names()).toEqual(['first']);
    expect(await pool()).toMatchObject({ live: 1 });
    await eventually(() => holdfast.incarnations().length === 1);
    expect((await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project })).content).toBe('You said: hello');
  });
});
