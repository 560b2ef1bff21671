import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyEvent } from '../../server/contracts/views.ts';
import { openDatabase } from '../../server/storage/database.ts';
import { eventOf } from './agent-processes.ts';
import { Disk } from './disk.ts';
import { Holdfast } from './holdfast.ts';
import { TestSocket } from './socket.ts';
import { devices, pushes } from './tour-devices.ts';
import { Guide, type Tour } from './tour-guide.ts';
import { terminal, versionsKnown } from './tour-terminal.ts';

export type { Tour };

const NOBODY = '00000000-0000-4000-8000-000000000000';

/** Whether or not this machine has them. */
const missing = Object.fromEntries(['CODEX', 'COPILOT', 'OPENCODE', 'GEMINI'].map((name) => [`${name}_COMMAND`, '/not/installed']));

/** Goes past every endpoint of a real server with the echo agent, in good and in bad ways. */
export async function takeTour(): Promise<Tour> {
  const env = {
    MAX_CONCURRENT_SESSIONS: '2',
    MAX_WAITING: '0',
    MAX_QUEUED_MESSAGES: '1',
    MAX_DEVICES: '2',
    CLAUDE_COMMAND: '/bin/false',
    ...missing,
  };
  const holdfast = await Holdfast.start({ env });
  const guide = new Guide(holdfast);
  try {
    const sessionId = await conversation(guide);
    await sessions(guide, sessionId);
    await terminal(guide);
    const deviceId = await devices(guide, sessionId);
    await refusals(guide, sessionId);
    await brokenAgents(guide);
    await underWatch(guide);
    await acrossBoots(guide, sessionId);
    await pushes(guide, deviceId);
  } finally {
    await holdfast.dispose();
  }
  await onFullDisk(guide);
  return guide.tour;
}

async function conversation(guide: Guide): Promise<string> {
  const { client, project } = guide.holdfast;
  await versionsKnown(guide);
  for (const id of ['health', 'ready', 'openapi', 'agents', 'projects', 'wsTicket'] as const) await guide.visit(id);
  const file = { name: 'note.txt', mimeType: 'text/plain', size: 2, data: 'aGk=' };
  const said = { message: 'approve: the plan', messageId: randomUUID(), projectPath: project, attachments: [file] };
  const { sessionId, cursor } = await guide.visit<{ sessionId: string; cursor: number }>('chat', { body: said });
  const params = { id: sessionId };
  const asked = await eventOf(client, sessionId, 'approval.requested', cursor);
  await guide.visit('status', { params });
  await guide.visit('interactiveStatus', { params });
  const { approvalId } = asked.data as { approvalId: string };
  const shown = { inputHash: 'f'.repeat(64), device: 'phone' };
  await guide.visit('inbox');
  await guide.visit('askedOne', { params: { ...params, approvalId } });
  await guide.visit('decide', { params: { ...params, approvalId }, body: { decision: 'allow', ...shown } });
  await guide.visit('decide', { params: { ...params, approvalId }, body: { decision: 'allow', device: 'phone' } });
  await guide.visit('decide', { params: { ...params, approvalId }, body: { decision: 'deny' } });
  await eventOf(client, sessionId, 'turn.completed', cursor);
  await guide.visit('chat', { body: { ...said, message: 'something else' } });
  const question = await client.send({ message: 'ask: Which one?|This|That', sessionId });
  const posed = await eventOf(client, sessionId, 'question.asked', question.body.cursor);
  const { questionId } = posed.data as { questionId: string };
  await guide.visit('answer', { params: { ...params, questionId }, body: { answers: { 'Which one?': 'This' } } });
  await guide.visit('asked', { params, query: '?limit=1' });
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
  await guide.visit('history', { query: `?session_id=${sessionId}&limit=2` });
  await guide.visit('events', { params, query: '?after=0&limit=2' });
  await guide.visit('logs', { params, query: '?tail=1' });
  guide.notice((await client.call<{ events: AnyEvent[] }>('GET', `/api/sessions/${sessionId}/events?after=999999`)).body.events[0]);
  return sessionId;
}

async function sessions(guide: Guide, sessionId: string): Promise<void> {
  const { holdfast } = guide;
  const { client } = holdfast;
  const created = await guide.visit<{ sessionId: string }>('createSession', {
    body: { projectPath: holdfast.folder('other'), name: 'Release notes', labels: ['work'] },
  });
  const params = { id: created.sessionId };
  await guide.visit('patchSession', { params, body: { name: 'Release notes, second try', mode: 'plan', model: null, labels: [] } });
  await guide.warm(created.sessionId);
  await guide.warm(sessionId);
  // Both are live by now, which is what the answers show.
  await guide.visit('start', { params });
  await guide.visit('wake', { params });
  await guide.visit('session', { params });
  await guide.visit('active');
  await guide.visit('pause', { params });
  await client.call('POST', `/api/sessions/${sessionId}/pause`);
  await guide.visit('chat', { body: { message: 'no slot is left', projectPath: holdfast.folder('third') } });
  await client.call('POST', `/api/sessions/${sessionId}/resume`);
  await guide.visit('resume', { params });
  await guide.visit('keepAlive', { body: { sessionId, action: 'recap' } });
  await guide.visit('sessions', { query: '?limit=1' });
  await guide.visitText('metrics');
  await guide.visit('sessionMetrics');
  await guide.visit('stop', { params });
  await guide.visit('interactiveStop', { params: { id: sessionId } });
  await guide.visit('killChat', { body: { sessionId, reason: 'User requested cancellation' } });
  await guide.visit('pause', { params });
  await guide.visit('fork', { params: { id: sessionId }, body: {} });
  await guide.visit('archive', { params });
  await guide.visit('chat', { body: { message: 'too late', sessionId: created.sessionId } });
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
  await guide.visit('createSession', { body: { projectPath: holdfast.project, effort: 'high' } });
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
  await holdfast.start({ CLAUDE_COMMAND: join(holdfast.root, 'no-such-program'), ...watchful });
  await guide.visit('createSession', { body: { projectPath, agent: 'claude' } });
}

/** What makes the health monitor say all that it can say within two seconds. */
const watchful = {
  ...{ HEALTH_CHECK_INTERVAL_SECONDS: '0.1', SESSION_WARNING_HOURS: '0.0001', STALL_MINUTES: '0.02' },
  ...{ MAX_MEMORY_PER_SESSION_MB: '400', CPU_USAGE_LIMIT_PERCENT: '100000' },
};

async function underWatch(guide: Guide): Promise<void> {
  const { holdfast } = guide;
  const { client } = holdfast;
  const asks = (await client.send({ message: 'approve: nothing', projectPath: holdfast.folder('silent') })).body;
  const eats = await client.ask({ message: 'eat=300', projectPath: holdfast.folder('hungry') });
  await guide.awaitEvent(eats.sessionId, 'resource.warning');
  await guide.awaitEvent(eats.sessionId, 'session.expiring');
  await guide.awaitEvent(asks.sessionId, 'session.stalled');
  for (const { sessionId } of [asks, eats]) await client.call('DELETE', `/api/sessions/${sessionId}`);
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
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-small-'));
  const disk = Disk.mount(folder, 24);
  if (!disk) return rmSync(folder, { recursive: true });
  const holdfast = await Holdfast.start({ dataDir: folder });
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
    rmSync(folder, { recursive: true });
  }
}
