import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { EndpointId } from '../../server/contracts/registry.ts';
import { endpoints } from '../../server/contracts/registry.ts';
import type { AnyEvent } from '../../server/contracts/views.ts';
import { openDatabase } from '../../server/storage/database.ts';
import { eventOf } from './agent-processes.ts';
import { Disk } from './disk.ts';
import { Holdfast } from './holdfast.ts';
import { rawRequest } from './raw-http.ts';
import { TestSocket } from './socket.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';

/** Everything that a real server said on a tour past all its endpoints. */
export interface Tour {
  /** By endpoint and status, such as `chat.202`. */
  answers: Map<string, { id: EndpointId; status: number; body: unknown }>;
  /** The first event of each kind. */
  events: Map<string, AnyEvent>;
  errors: Map<string, Record<string, unknown>>;
  /** Places of this run, and what fixtures call them. */
  places: Record<string, string>;
}

/** One stop of the tour: a request to an endpoint by its id. */
interface Stop {
  params?: Record<string, string>;
  query?: string;
  body?: unknown;
}

class Guide {
  readonly tour: Tour = { answers: new Map(), events: new Map(), errors: new Map(), places: {} };
  readonly holdfast: Holdfast;

  constructor(holdfast: Holdfast) {
    this.holdfast = holdfast;
    this.tour.places = { [holdfast.root]: '/home/me', [process.execPath]: '/usr/bin/node' };
  }

  async visit<T>(id: EndpointId, { params = {}, query = '', body }: Stop = {}): Promise<T> {
    const { method, path } = endpoints[id];
    const way = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''));
    const reply = await this.holdfast.client.call<T>(method, way + query, body);
    this.keep(id, reply.status, reply.body);
    return reply.body;
  }

  keep(id: EndpointId, status: number, body: unknown): void {
    if (status < 400 || status in endpoints[id].responses) {
      const name = `${id}.${status}`;
      if (!this.tour.answers.has(name)) this.tour.answers.set(name, { id, status, body });
    } else this.fail(body as Record<string, unknown>);
  }

  fail(problem: Record<string, unknown>): void {
    const code = String(problem['code']);
    if (!this.tour.errors.has(code)) this.tour.errors.set(code, problem);
  }

  async raw(request: Parameters<typeof rawRequest>[1]): Promise<void> {
    this.fail(JSON.parse((await rawRequest(this.holdfast.url, request)).text) as Record<string, unknown>);
  }

  /** Starts a session's process and waits until it is ready. */
  async warm(sessionId: string): Promise<void> {
    const { client } = this.holdfast;
    const { cursor } = await client.session(sessionId);
    await client.call('POST', `/api/sessions/${sessionId}/wake`);
    await eventOf(client, sessionId, 'session.ready', cursor);
  }

  async takeEvents(sessionId: string): Promise<void> {
    for (const event of await this.holdfast.client.events(sessionId))
      if (!this.tour.events.has(event.kind)) this.tour.events.set(event.kind, event);
  }

  notice(event: AnyEvent | undefined): void {
    if (event) this.tour.events.set(event.kind, event);
  }
}

/** Goes past every endpoint of a real server with the echo agent, in good and in bad ways. */
export async function takeTour(): Promise<Tour> {
  const holdfast = await Holdfast.start({ env: { MAX_CONCURRENT_SESSIONS: '2', MAX_QUEUED_MESSAGES: '1', CLAUDE_COMMAND: '/bin/false' } });
  const guide = new Guide(holdfast);
  try {
    const sessionId = await conversation(guide);
    await sessions(guide, sessionId);
    await refusals(guide, sessionId);
    await brokenAgents(guide);
    await acrossBoots(guide, sessionId);
  } finally {
    await holdfast.dispose();
  }
  await onFullDisk(guide);
  return guide.tour;
}

async function conversation(guide: Guide): Promise<string> {
  const { client, project } = guide.holdfast;
  for (const id of ['health', 'ready', 'openapi', 'agents', 'wsTicket'] as const) await guide.visit(id);
  const file = { name: 'note.txt', mimeType: 'text/plain', size: 2, data: 'aGk=' };
  const said = { message: 'approve: the plan', messageId: randomUUID(), projectPath: project, attachments: [file] };
  const { sessionId, cursor } = await guide.visit<{ sessionId: string; cursor: number }>('chat', { body: said });
  const params = { id: sessionId };
  const asked = await eventOf(client, sessionId, 'approval.requested', cursor);
  await guide.visit('status', { params });
  await guide.visit('interactiveStatus', { params });
  const { approvalId } = asked.data as { approvalId: string };
  await guide.visit('decide', { params: { ...params, approvalId }, body: { decision: 'allow' } });
  await guide.visit('decide', { params: { ...params, approvalId }, body: { decision: 'deny' } });
  await eventOf(client, sessionId, 'turn.completed', cursor);
  await guide.visit('chat', { body: { ...said, message: 'something else' } });
  const question = await client.send({ message: 'ask: Which one?|This|That', sessionId });
  const posed = await eventOf(client, sessionId, 'question.asked', question.body.cursor);
  const { questionId } = posed.data as { questionId: string };
  await guide.visit('answer', { params: { ...params, questionId }, body: { answers: { 'Which one?': 'This' } } });
  await eventOf(client, sessionId, 'turn.completed', question.body.cursor);
  await guide.visit('chat', { body: { message: 'think\ntool: hammer', sessionId, wait: true } });
  await client.ask({ message: `raw: ${Buffer.from('{"type":"hologram"}\n\xff\n', 'latin1').toString('base64')}`, sessionId });
  await client.ask({ message: 'fail', sessionId });
  const long = await client.send({ message: 'tokens=1000 delay=20', sessionId });
  await eventOf(client, sessionId, 'text', long.body.cursor);
  await client.send({ message: 'waits', sessionId });
  await guide.visit('chat', { body: { message: 'one too many', sessionId } });
  // Held still, so that the answer is always the one before the agent gives up.
  const { pid = 0 } = await client.status(sessionId);
  process.kill(pid, 'SIGSTOP');
  await guide.visit('cancel', { params });
  process.kill(pid, 'SIGCONT');
  await eventOf(client, sessionId, 'turn.cancelled', long.body.cursor);
  await eventOf(client, sessionId, 'turn.completed', long.body.cursor);
  await client.ask({ message: 'crash', sessionId });
  await guide.visit('message', { params: { id: said.messageId } });
  await guide.visit('messages', { params, query: '?limit=2' });
  await guide.visit('events', { params, query: '?after=0&limit=2' });
  await guide.visit('logs', { params, query: '?tail=1' });
  guide.notice((await client.call<{ events: AnyEvent[] }>('GET', `/api/sessions/${sessionId}/events?after=999999`)).body.events[0]);
  return sessionId;
}

async function sessions(guide: Guide, sessionId: string): Promise<void> {
  const { holdfast } = guide;
  const created = await guide.visit<{ sessionId: string }>('createSession', {
    body: { projectPath: holdfast.folder('other'), name: 'Release notes', labels: ['work'] },
  });
  const params = { id: created.sessionId };
  await guide.visit('patchSession', { params, body: { name: 'Release notes, second try', mode: 'plan', model: 'sonnet', labels: [] } });
  await guide.warm(created.sessionId);
  await guide.warm(sessionId);
  // Both are live by now, which is what the answers show.
  await guide.visit('start', { params });
  await guide.visit('wake', { params });
  await guide.visit('session', { params });
  await guide.visit('active');
  await guide.visit('chat', { body: { message: 'no slot is left', projectPath: holdfast.folder('third') } });
  await guide.visit('sessions', { query: '?limit=1' });
  await guide.visit('stop', { params });
  await guide.visit('interactiveStop', { params: { id: sessionId } });
  await guide.takeEvents(created.sessionId);
  await guide.visit('deleteSession', { params });
}

async function refusals(guide: Guide, sessionId: string): Promise<void> {
  const { holdfast } = guide;
  const params = { id: sessionId };
  const json = { 'content-type': 'application/json' };
  await guide.visit('chat', { body: { message: 7 } });
  await guide.visit('chat', { body: { message: 'hi', projectPath: '/etc' } });
  await guide.visit('chat', { body: { message: 'hi', projectPath: join(holdfast.root, 'missing') } });
  await guide.visit('chat', { body: { message: 'hi', projectPath: holdfast.project, agent: 'hal' } });
  await guide.visit('session', { params: { id: NOBODY } });
  await guide.visit('message', { params: { id: NOBODY } });
  await guide.visit('decide', { params: { ...params, approvalId: 'none' }, body: { decision: 'allow' } });
  await guide.visit('answer', { params: { ...params, questionId: 'none' }, body: { answers: {} } });
  await guide.visit('cancel', { params });
  await guide.visit('sessions', { query: '?before=yesterday' });
  await guide.raw({ path: '/api/nothing' });
  await guide.raw({ method: 'PUT', path: '/api/chat' });
  await guide.raw({ method: 'POST', path: '/api/chat', body: '{', headers: json });
  await guide.raw({ method: 'POST', path: '/api/chat', body: 'hi', headers: { 'content-type': 'text/plain' } });
  await guide.raw({ method: 'POST', path: '/api/chat', body: Buffer.alloc(51 * 2 ** 20), headers: json });
  await guide.raw({ path: '/api/sessions', headers: { host: 'evil.example' } });
  await guide.raw({ path: '/api/sessions', headers: { origin: 'https://evil.example' } });
  await guide.raw({ path: '/api/sessions', headers: { authorization: undefined } });
  const socket = await TestSocket.open(holdfast.url, '/ws');
  guide.fail((await socket.request('session.attach', {})).payload);
  await socket.close();
  for (let tries = 0; tries <= 100; tries++) await guide.raw({ path: '/api/sessions', headers: { authorization: 'Bearer guess' } });
}

async function brokenAgents(guide: Guide): Promise<void> {
  const { holdfast } = guide;
  const projectPath = holdfast.folder('broken');
  const { sessionId } = await holdfast.client.ask({ message: 'hello', agent: 'claude', projectPath });
  await guide.takeEvents(sessionId);
  await holdfast.stop();
  // From here on the command is missing altogether; before, it ended at once.
  await holdfast.start({ CLAUDE_COMMAND: join(holdfast.root, 'no-such-program') });
  await guide.visit('createSession', { body: { projectPath, agent: 'claude' } });
}

async function acrossBoots(guide: Guide, sessionId: string): Promise<void> {
  const { holdfast } = guide;
  await holdfast.client.ask({ message: 'hello again', sessionId });
  await holdfast.kill();
  await holdfast.start();
  await guide.takeEvents(sessionId);
  const before = (await holdfast.client.session(sessionId)).cursor;
  await holdfast.client.call('POST', `/api/sessions/${sessionId}/stop`);
  await holdfast.stop();
  // What a reboot changes is the machine's boot id; to the store it is the same when the one that it keeps is another.
  const store = openDatabase(join(holdfast.dataDir, 'holdfast.db'));
  store.prepare(`UPDATE meta SET value = 'an earlier boot' WHERE key = 'boot_id'`).run();
  store.close();
  await holdfast.start();
  const { events } = (await holdfast.client.call<{ events: AnyEvent[] }>('GET', `/api/sessions/${sessionId}/events?after=${before + 10}`))
    .body;
  guide.notice(events.find((event) => event.kind === 'gap'));
}

async function onFullDisk(guide: Guide): Promise<void> {
  const dataDir = join(guide.holdfast.root, 'small');
  const disk = Disk.mount(dataDir, 24);
  if (!disk) return;
  const holdfast = await Holdfast.start({ dataDir });
  try {
    disk.fill();
    const ready = await holdfast.client.call('GET', '/ready');
    guide.keep('ready', ready.status, ready.body);
    const full = await holdfast.client.call('POST', '/api/chat', { message: 'x'.repeat(6_000_000), projectPath: holdfast.project });
    guide.keep('chat', full.status, full.body);
  } finally {
    disk.makeRoom();
    await holdfast.dispose();
    disk.unmount();
  }
}
