import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EventView } from '../../server/contracts/events.ts';
import { OutgoingFrame } from '../../server/contracts/frames-out.ts';
import type { SessionView } from '../../server/contracts/views.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { rawRequest } from '../support/raw-http.ts';
import { TestSocket, type Frame } from '../support/socket.ts';

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

describe('sockets', () => {
  let holdfast: Holdfast;
  const opened: TestSocket[] = [];
  beforeAll(async () => {
    holdfast = await Holdfast.start();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((socket) => socket.close()));
  });
  afterAll(() => holdfast.dispose());

  async function open(path: string, options: Parameters<typeof TestSocket.open>[2] = {}): Promise<TestSocket> {
    const socket = await TestSocket.open(holdfast.url, path, options);
    opened.push(socket);
    return socket;
  }

  const ticket = async (): Promise<string> => (await holdfast.client.call<{ ticket: string }>('POST', '/api/ws-ticket')).body.ticket;
  const eventsOf = (socket: TestSocket, sessionId: string): EventView[] =>
    socket.frames.flatMap((frame) =>
      frame.type === 'event' && frame.payload['sessionId'] === sessionId ? [frame.payload as unknown as EventView] : [],
    );
  const ended = (turnId: unknown) => (frame: Frame) =>
    frame.type === 'event' && frame.payload['kind'] === 'turn.completed' && frame.payload['turnId'] === turnId;

  it('[WS40] opens with the token in the header or with a ticket that is good for one socket', async () => {
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.folder('tickets') });
    for (const path of ['/ws', `/api/sessions/${sessionId}/stream`]) {
      expect((await open(path)).frames[0]).toMatchObject({ type: 'welcome', payload: { heartbeatSeconds: 30 } });
      const once = await ticket();
      await open(`${path}?ticket=${once}`, { token: null });
      const again = await rawRequest(holdfast.url, { path: `${path}?ticket=${once}`, headers: { ...upgrade, authorization: undefined } });
      expect([again.status, JSON.parse(again.text).code]).toEqual([401, 'unauthorized']);
    }
    const { status } = await rawRequest(holdfast.url, {
      path: `/ws?ticket=${await ticket()}`,
      headers: { ...upgrade, authorization: undefined, origin: 'https://evil.example' },
    });
    expect(status).toBe(403);
  });

  it('[WS41] follows a session from a cursor: what was, then what comes, each event once and in order', async () => {
    const { client } = holdfast;
    const first = await client.ask({ message: 'tokens=50', projectPath: holdfast.folder('attach') });
    const socket = await open('/ws');
    const attached = await socket.request('session.attach', { sessionId: first.sessionId, after: 3 });
    expect(attached).toMatchObject({ type: 'result', payload: { sessionId: first.sessionId } });
    const second = await client.ask({ message: 'tokens=30 delay=5', sessionId: first.sessionId });
    await socket.next(ended(second.messageId));
    const seen = eventsOf(socket, first.sessionId);
    expect(seen).toEqual(await client.events(first.sessionId, 3));
    expect(seen[0]?.seq).toBe(4);
    await socket.request('session.detach', { sessionId: first.sessionId });
    await client.ask({ message: 'nobody listens', sessionId: first.sessionId });
    expect(eventsOf(socket, first.sessionId)).toEqual(seen);
  });

  it('[WS42] carries the same event objects as JSON pages and server-sent events, whose Last-Event-ID wins over the cursor', async () => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'think\ntool: hammer\ntokens=20', projectPath: holdfast.folder('same') });
    const page = await client.events(sessionId);
    const socket = await open(`/api/sessions/${sessionId}/stream`);
    await socket.next((frame) => frame.type === 'event' && frame.payload['seq'] === page.length);
    expect(eventsOf(socket, sessionId)).toEqual(page);
    const streamed = async (path: string, headers: Record<string, string>, count: number): Promise<EventView[]> => {
      const leave = new AbortController();
      const seen: EventView[] = [];
      for await (const event of client.stream(path, { headers, signal: leave.signal })) if (seen.push(event) === count) break;
      leave.abort();
      return seen;
    };
    expect(await streamed(`/api/sessions/${sessionId}/events?after=0`, {}, page.length)).toEqual(page);
    expect(await streamed(`/api/sessions/${sessionId}/events?after=1`, { 'last-event-id': '7' }, page.length - 7)).toEqual(page.slice(7));
    const raw = await rawRequest(holdfast.url, {
      method: 'POST',
      path: '/api/chat',
      body: JSON.stringify({ message: 'tokens=3', sessionId }),
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    });
    expect(raw.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(raw.text).toMatch(/id: \d+\nevent: turn\.accepted\ndata: \{[^\n]*\}\n\n/);
    expect(raw.text).toMatch(/event: turn\.completed\n/);
  });

  it('[WS43] does over a socket what HTTP does, and repeats the requestId in each answer', async () => {
    const socket = await open('/ws');
    const projectPath = holdfast.folder('commands');
    const created = await socket.request('session.create', { projectPath, name: 'By socket' });
    const { sessionId } = created.payload as unknown as SessionView;
    expect(created).toMatchObject({ type: 'result', requestId: 'r1', payload: { name: 'By socket', state: 'dormant' } });
    await socket.request('session.attach', { sessionId });
    const sent = await socket.request('session.send', { sessionId, message: 'approve: the plan' });
    expect(sent).toMatchObject({ type: 'result', requestId: 'r3', payload: { success: true, sessionId, state: 'accepted' } });
    const asked = await socket.next((frame) => frame.type === 'event' && frame.payload['kind'] === 'approval.requested');
    const { approvalId } = asked.payload['data'] as { approvalId: string };
    // Swift writes a UUID in upper case.
    const id = approvalId.toUpperCase();
    expect((await holdfast.client.call('GET', `/api/sessions/${sessionId.toUpperCase()}/approvals/${id}`)).status).toBe(200);
    expect((await socket.request('session.approve', { sessionId, approvalId: id, decision: 'allow' })).payload).toMatchObject({
      approvalId,
      decision: 'allow',
    });
    await socket.next(ended(sent.payload['messageId']));
    const question = await socket.request('session.send', { sessionId, message: 'ask: Which?|This|That' });
    const posed = await socket.next((frame) => frame.type === 'event' && frame.payload['kind'] === 'question.asked');
    const { questionId } = posed.payload['data'] as { questionId: string };
    expect((await socket.request('session.answer', { sessionId, questionId, answers: { 'Which?': 'That' } })).type).toBe('result');
    const answered = await socket.next(ended(question.payload['messageId']));
    expect(answered.payload['data']).toMatchObject({ text: 'You chose: That' });
    await socket.request('session.send', { sessionId, message: 'tokens=1000 delay=20' });
    await socket.next(
      (frame) => frame.type === 'event' && frame.payload['kind'] === 'text' && JSON.stringify(frame.payload).includes('w1'),
    );
    expect((await socket.request('session.cancel', { sessionId })).payload).toMatchObject({ success: true });
    await socket.next((frame) => frame.type === 'event' && frame.payload['kind'] === 'turn.cancelled');
    expect((await socket.request('session.rename', { sessionId, name: 'Renamed' })).payload).toMatchObject({ name: 'Renamed' });
    expect(JSON.stringify((await socket.request('session.list', {})).payload)).toContain(sessionId);
    const history = await socket.request('session.history', { sessionId, limit: 2 });
    expect(history.payload).toMatchObject({ hasMore: true, messages: [{ role: 'user' }, { role: 'assistant', partial: true }] });
    expect((await socket.request('session.focus', { sessionId: null })).type).toBe('result');
    expect((await socket.request('session.close', { sessionId })).payload).toMatchObject({
      state: 'dormant',
      lastExit: { reason: 'killed-by-user' },
    });
    expect((await socket.request('session.delete', { sessionId })).payload).toEqual({ success: true, sessionId });
    expect((await socket.request('session.attach', { sessionId })).payload).toMatchObject({ code: 'session-not-found' });
    for (const frame of socket.frames) expect(OutgoingFrame.safeParse(frame)).toMatchObject({ success: true });
  });

  it('[WS44] shows the changes of one device to the others', async () => {
    const [phone, desk] = [await open('/ws'), await open('/ws')];
    const { sessionId } = (await phone.request('session.create', { projectPath: holdfast.folder('devices') }))
      .payload as unknown as SessionView;
    const about = (type: string, fits: (payload: SessionView) => boolean) => (frame: Frame) =>
      frame.type === type && frame.payload['sessionId'] === sessionId && fits(frame.payload as unknown as SessionView);
    await desk.next(about('session.created', () => true));
    await holdfast.client.call('PATCH', `/api/sessions/${sessionId}`, { name: 'Seen by all' });
    await desk.next(about('session.updated', ({ name }) => name === 'Seen by all'));
    await phone.next(about('session.updated', ({ name }) => name === 'Seen by all'));
    await phone.request('session.send', { sessionId, message: 'hello' });
    await desk.next(about('session.updated', ({ pid }) => pid !== undefined));
    await phone.request('session.close', { sessionId });
    await desk.next(about('session.updated', ({ state }) => state === 'dormant'));
    await holdfast.client.call('DELETE', `/api/sessions/${sessionId}`);
    await desk.next(about('session.deleted', () => true));
    await phone.next(about('session.deleted', () => true));
  });

  it('[WS48] shows a session as what the event says that made it so: ready when its turn has completed', async () => {
    const socket = await open('/ws');
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.folder('list') });
    const shown = (): SessionView | undefined =>
      socket.frames.findLast((frame) => frame.type === 'session.updated' && frame.payload['sessionId'] === sessionId)?.payload as
        SessionView | undefined;
    const { cursor } = await holdfast.client.session(sessionId);
    const last = await eventually(() => (shown()?.cursor === cursor ? shown() : undefined));
    expect(last).toMatchObject({ state: 'ready' });
    expect(last.turn).toBeUndefined();
  });

  it('[WS45] tells a socket of one session that it was deleted, and of nothing else', async () => {
    const { sessionId } = (await holdfast.client.call<SessionView>('POST', '/api/sessions', { projectPath: holdfast.folder('one') })).body;
    const { sessionId: other } = (await holdfast.client.call<SessionView>('POST', '/api/sessions', { projectPath: holdfast.folder('two') }))
      .body;
    const socket = await open(`/api/sessions/${sessionId}/stream`);
    expect(await socket.request('session.attach', { sessionId: other })).toMatchObject({
      type: 'error',
      payload: { code: 'session-not-found' },
    });
    await holdfast.client.call('DELETE', `/api/sessions/${other}`);
    await holdfast.client.call('DELETE', `/api/sessions/${sessionId}`);
    await socket.next((frame) => frame.type === 'session.deleted');
    expect(socket.frames.filter((frame) => frame.type === 'session.deleted').map((frame) => frame.payload)).toEqual([{ sessionId }]);
  });

  it('[EV40] ends the event streams of a session that is deleted, and no others', async () => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.folder('gone') });
    const seen: string[] = [];
    const following = (async (): Promise<void> => {
      for await (const event of client.stream(`/api/sessions/${sessionId}/events`)) seen.push(event.kind);
    })();
    await eventually(() => seen.includes('turn.completed'));
    await client.call(
      'DELETE',
      `/api/sessions/${(await client.call<SessionView>('POST', '/api/sessions', { projectPath: holdfast.project })).body.sessionId}`,
    );
    await client.ask({ message: 'still here', sessionId });
    await client.call('DELETE', `/api/sessions/${sessionId}`);
    await following;
    expect(seen.filter((kind) => kind === 'turn.completed')).toHaveLength(2);
    expect(seen.at(-1)).toBe('session.exited');
  });

  it('[WS46] costs nobody else anything when a device leaves without a word', async () => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.folder('leaves') });
    const [stays, leaves] = [await open(`/api/sessions/${sessionId}/stream`), await open(`/api/sessions/${sessionId}/stream`)];
    const { messageId } = (await client.send({ message: 'tokens=200 delay=5', sessionId })).body;
    await leaves.next((frame) => frame.type === 'event' && frame.payload['turnId'] === messageId && frame.payload['kind'] === 'text');
    leaves.socket.terminate();
    await stays.next(ended(messageId));
    expect(eventsOf(stays, sessionId)).toEqual(await client.events(sessionId));
  });

  it('[WS50] a message over the socket of one session goes to it without naming it, and no other can be named', async () => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'remember the word fig', projectPath: holdfast.folder('only') });
    const socket = await open(`/api/sessions/${sessionId}/stream`);
    const sent = await socket.request('session.send', { message: 'what word' });
    expect(sent).toMatchObject({ type: 'result', payload: { sessionId, resumed: true } });
    await eventually(() =>
      socket.frames.some(({ payload }) => payload['kind'] === 'turn.completed' && payload['turnId'] === sent.payload['messageId']),
    );
    const other = await socket.request('session.send', { message: 'hello', sessionId: randomUUID() });
    expect(other).toMatchObject({ type: 'error', payload: { code: 'session-not-found' } });
  });

  it('[WS49] answers a request that offers another protocol as if it had not been offered', async () => {
    const h2c = { connection: 'Upgrade, HTTP2-Settings, close', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' };
    const [page, socket] = await Promise.all(['/api/sessions', '/ws'].map((path) => rawRequest(holdfast.url, { path, headers: h2c })));
    expect([page?.status, socket?.status]).toEqual([200, 404]);
  });

  it('[WS47] ends its sockets with 1001 when the server is told to stop', async () => {
    const socket = await open('/ws');
    await holdfast.stop();
    expect(await socket.ended()).toMatchObject({ code: 1001 });
    await holdfast.start();
    await eventually(async () => (await holdfast.client.call('GET', '/ready')).status === 200);
  });
});
