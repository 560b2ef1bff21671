import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problem } from '../../server/contracts/server-views.ts';
import { Holdfast } from '../support/holdfast.ts';
import { rawRequest, type RawRequest } from '../support/raw-http.ts';
import { TestSocket } from '../support/socket.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const MB = 1024 * 1024;

/** What a test may put into its request. */
interface Place {
  project: string;
  root: string;
  sessionId: string;
}
/** Fields: every field that the answer must name, and no other. */
interface Expected {
  status: number;
  code: string;
  fields?: string[];
}
type Case = [what: string, request: (place: Place) => RawRequest, expected: Expected];

const json = { 'content-type': 'application/json' };
const invalid = (...fields: string[]): Expected => ({ status: 400, code: 'validation-failed', fields });
const gone = (code: string): Expected => ({ status: 404, code });
const post = (path: string, body: unknown, headers = {}): RawRequest => ({
  method: 'POST',
  path,
  headers: { ...json, ...headers },
  body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
});
const chat =
  (body: Record<string, unknown>, headers = {}) =>
  (place: Place) =>
    post('/api/chat', { message: 'hi', projectPath: place.project, ...body }, headers);
const withFile = (file: Record<string, unknown>) =>
  chat({ attachments: [{ name: 'a.txt', mimeType: 'text/plain', size: 2, data: 'aGk=', ...file }] });
const get =
  (path: string | ((place: Place) => string), headers = {}) =>
  (place: Place): RawRequest => ({ path: typeof path === 'string' ? path : path(place), headers });
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

const bodies: Case[] = [
  ['JSON that breaks off', () => post('/api/chat', '{"message": "hi", '), { status: 400, code: 'bad-json' }],
  ['no JSON at all', () => post('/api/chat', 'message=hi'), { status: 400, code: 'bad-json' }],
  ['an array as the body', () => post('/api/chat', '[]'), invalid('body')],
  ['null as the body', () => post('/api/chat', 'null'), invalid('message', 'projectPath')],
  ['a number as the body', () => post('/api/sessions', '17'), invalid('body')],
  ['no body', () => ({ method: 'POST', path: '/api/chat', headers: json }), invalid('message', 'projectPath')],
  ['missing fields', () => post('/api/chat', {}), invalid('message', 'projectPath')],
  [
    'every field of the wrong type',
    () =>
      post('/api/chat', {
        message: 1,
        messageId: 2,
        sessionId: [],
        projectPath: {},
        agent: 5,
        mode: 6,
        model: 7,
        name: 8,
        timestamp: {},
        deviceToken: 9,
        workspace: 1,
        autoResponse: 'x',
        attachments: 'y',
        wait: 'z',
      }),
    invalid(
      'message',
      'messageId',
      'sessionId',
      'projectPath',
      'agent',
      'mode',
      'model',
      'name',
      'timestamp',
      'deviceToken',
      'workspace',
      'autoResponse',
      'attachments',
      'wait',
    ),
  ],
  ['a blank message', chat({ message: ' \n\t' }), invalid('message')],
  ['a message of 13 million characters', chat({ message: 'x'.repeat(13 * MB) }), invalid('message')],
  ['a message id that is no UUID', chat({ messageId: 'first' }), invalid('messageId')],
  ['a session id that is no UUID', chat({ sessionId: '../../etc' }), invalid('sessionId')],
  ['a time to wait below zero', chat({ wait: -1 }), invalid('wait')],
  ['a time to wait of years', chat({ wait: 1e12 }), invalid('wait')],
  ['a mode that nobody knows', chat({ mode: 'yolo' }), invalid('mode')],
  ['a model that would be an option', chat({ model: '--dangerously' }), invalid('model')],
  ['a name of 201 characters', (place) => post('/api/sessions', { projectPath: place.project, name: 'n'.repeat(201) }), invalid('name')],
  ['a name with control characters', (place) => post('/api/sessions', { projectPath: place.project, name: 'a\u0000b' }), invalid('name')],
  [
    'labels of the wrong shape',
    (place) => post('/api/sessions', { projectPath: place.project, labels: [1, '', 'ok', 'x'.repeat(51)] }),
    invalid('labels.0', 'labels.1', 'labels.3'),
  ],
  [
    'an array 100,000 deep as the message',
    (place) => post('/api/chat', `{"projectPath":${JSON.stringify(place.project)},"message":${nested(100_000)}}`),
    invalid('message'),
  ],
  [
    'objects 50,000 deep as attachments',
    (place) =>
      post(
        '/api/chat',
        `{"message":"hi","projectPath":${JSON.stringify(place.project)},"attachments":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      ),
    invalid('attachments'),
  ],
  [
    'deep JSON as an answer',
    (place) => post(`/api/sessions/${place.sessionId}/questions/q`, `{"answers":{"a":${nested(50_000)}}}`),
    invalid('answers.a'),
  ],
  ['a body of 60 MB', () => post('/api/chat', Buffer.alloc(60 * MB, 'x')), { status: 413, code: 'payload-too-large' }],
  [
    'a body of 60 MB in chunks of unknown number',
    () => ({
      method: 'POST',
      path: '/api/chat',
      headers: { ...json, 'content-length': undefined, 'transfer-encoding': 'chunked' },
      body: Buffer.concat([Buffer.from(`${(60 * MB).toString(16)}\r\n`), Buffer.alloc(60 * MB, 'x'), Buffer.from('\r\n0\r\n\r\n')]),
    }),
    { status: 413, code: 'payload-too-large' },
  ],
  [
    '60 MB squeezed into 60 kB',
    () => post('/api/chat', gzipSync(Buffer.alloc(60 * MB, 'x')), { 'content-encoding': 'gzip' }),
    { status: 413, code: 'payload-too-large' },
  ],
  ['bytes that are no gzip', () => post('/api/chat', 'plain', { 'content-encoding': 'gzip' }), { status: 400, code: 'validation-failed' }],
  [
    'an encoding that nobody knows',
    () => post('/api/chat', '{}', { 'content-encoding': 'zip' }),
    { status: 415, code: 'unsupported-media-type' },
  ],
  [
    'a character set other than UTF-8',
    () => post('/api/chat', '{}', { 'content-type': 'application/json; charset=iso-8859-1' }),
    { status: 415, code: 'unsupported-media-type' },
  ],
  [
    'a form',
    () => post('/api/chat', 'message=hi', { 'content-type': 'application/x-www-form-urlencoded' }),
    { status: 415, code: 'unsupported-media-type' },
  ],
  ['a body without a type', () => post('/api/chat', '{}', { 'content-type': undefined }), { status: 415, code: 'unsupported-media-type' }],
  ['a patch of nothing', (place) => ({ ...post(`/api/sessions/${place.sessionId}`, {}), method: 'PATCH' }), invalid('body')],
  ['a decision that is none', (place) => post(`/api/sessions/${place.sessionId}/approvals/a`, { decision: 'maybe' }), invalid('decision')],
  ['an Idempotency-Key beyond ASCII', chat({}, { 'idempotency-key': 'schlüssel' }), invalid('idempotency-key')],
  ['an Idempotency-Key of 201 characters', chat({}, { 'idempotency-key': 'k'.repeat(201) }), invalid('idempotency-key')],
];

const files: Case[] = [
  ['no base64', withFile({ data: 'a*b=' }), invalid('attachments.0.data')],
  ['base64 that breaks off', withFile({ data: 'aGk' }), invalid('attachments.0.data')],
  ['a size that does not match', withFile({ size: 3 }), invalid('attachments.0.size')],
  ['a negative size', withFile({ size: -1 }), invalid('attachments.0.size')],
  ['a name that leads out', withFile({ name: '../../evil' }), invalid('attachments.0.name')],
  ['an absolute path as a name', withFile({ name: '/etc/passwd' }), invalid('attachments.0.name')],
  ['a Windows path as a name', withFile({ name: '..\\evil' }), invalid('attachments.0.name')],
  ['the folder itself as a name', withFile({ name: '..' }), invalid('attachments.0.name')],
  ['a NUL in a name', withFile({ name: 'a\u0000.png' }), invalid('attachments.0.name')],
  ['an empty name', withFile({ name: '' }), invalid('attachments.0.name')],
  ['no media type', withFile({ mimeType: 'picture' }), invalid('attachments.0.mimeType')],
  [
    '21 files',
    chat({ attachments: Array.from({ length: 21 }, () => ({ name: 'a', mimeType: 'text/plain', size: 0, data: '' })) }),
    invalid('attachments'),
  ],
];

const places: Case[] = [
  [
    'a project folder that is missing',
    (place) => post('/api/chat', { message: 'hi', projectPath: join(place.root, 'missing') }),
    gone('project-not-found'),
  ],
  [
    'a project folder that is a file',
    (place) => post('/api/chat', { message: 'hi', projectPath: join(place.root, 'a-file') }),
    gone('project-not-found'),
  ],
  [
    'a project folder below a file',
    (place) => post('/api/chat', { message: 'hi', projectPath: join(place.root, 'a-file/below') }),
    gone('project-not-found'),
  ],
  [
    'a project folder in a ring of links',
    (place) => post('/api/chat', { message: 'hi', projectPath: join(place.root, 'ring') }),
    gone('project-not-found'),
  ],
  [
    'a project folder with a name beyond what a disk takes',
    (place) => post('/api/chat', { message: 'hi', projectPath: join(place.root, 'n'.repeat(3_000)) }),
    gone('project-not-found'),
  ],
  [
    'a project folder outside',
    () => post('/api/chat', { message: 'hi', projectPath: '/etc' }),
    { status: 403, code: 'project-not-allowed' },
  ],
  [
    'a project folder that leads out',
    (place) => post('/api/chat', { message: 'hi', projectPath: `${place.root}/../..` }),
    { status: 403, code: 'project-not-allowed' },
  ],
  ['a relative project folder', () => post('/api/chat', { message: 'hi', projectPath: 'project' }), invalid('projectPath')],
  ['a NUL in a project folder', () => post('/api/chat', { message: 'hi', projectPath: '/tmp/a\u0000b' }), invalid('projectPath')],
  [
    'a project path of 5,000 characters',
    () => post('/api/chat', { message: 'hi', projectPath: `/${'p/'.repeat(2_500)}` }),
    invalid('projectPath'),
  ],
  ['an agent that nobody knows', chat({ agent: 'hal' }), { status: 422, code: 'agent-unknown' }],
  ['a session that nobody has', chat({ sessionId: NOBODY }), gone('session-not-found')],
];

const paths: Case[] = [
  ['an id that nobody has', get(`/api/sessions/${NOBODY}`), gone('session-not-found')],
  ['an id that can be none', get('/api/sessions/what/status'), gone('session-not-found')],
  ['an id of 5,000 characters', get(`/api/sessions/${'i'.repeat(5_000)}`), invalid('id')],
  ['the id of no message', get(`/api/messages/${NOBODY}`), gone('message-not-found')],
  [
    'an approval that nobody asked for',
    (place) => post(`/api/sessions/${place.sessionId}/approvals/none`, { decision: 'allow' }),
    gone('approval-not-found'),
  ],
  [
    'a question that nobody asked',
    (place) => post(`/api/sessions/${place.sessionId}/questions/none`, { answers: {} }),
    gone('question-not-found'),
  ],
  ['nothing to cancel', (place) => post(`/api/sessions/${place.sessionId}/cancel`, ''), { status: 409, code: 'nothing-to-cancel' }],
  ['a path that leads out', get('/api/sessions/../../../etc/passwd'), gone('not-found')],
  ['a path that leads out in disguise', get('/api/sessions/..%2f..%2fetc%2fpasswd'), gone('session-not-found')],
  ['a NUL in the path', get('/api/sessions/a%00b'), gone('session-not-found')],
  ['percent signs that mean nothing', get('/api/sessions/%zz'), { status: 400, code: 'validation-failed' }],
  ['percent signs that are no UTF-8', get('/api/sessions/%e0%a4%a'), { status: 400, code: 'validation-failed' }],
  ['two slashes', get('//'), gone('not-found')],
  ['nothing that is there', get('/api/nothing'), gone('not-found')],
  ['the wrong case', get('/API/Sessions'), gone('not-found')],
  [
    'a method that is not served',
    () => ({ method: 'PUT', path: '/api/chat', headers: json, body: '{}' }),
    { status: 405, code: 'method-not-allowed' },
  ],
  ['a method that nobody needs', () => ({ method: 'DELETE', path: '/health' }), { status: 405, code: 'method-not-allowed' }],
];

const events = (query: string, headers = {}) => get((place) => `/api/sessions/${place.sessionId}/events?${query}`, headers);
const queries: Case[] = [
  ['a negative cursor', events('after=-1'), invalid('after')],
  ['a cursor with a fraction', events('after=1.5'), invalid('after')],
  ['a cursor in words', events('after=first'), invalid('after')],
  ['an empty cursor', events('after='), invalid('after')],
  ['a cursor with an exponent', events('after=1e3'), invalid('after')],
  ['a cursor beyond all numbers', events('after=99999999999999999999'), invalid('after')],
  ['a cursor just beyond whole numbers', events('after=9007199254740993'), invalid('after')],
  ['two cursors', events('after=1&after=2'), invalid('after')],
  ['a limit of 0', events('limit=0'), invalid('limit')],
  ['a limit of 1,001', events('limit=1001'), invalid('limit')],
  ['a huge limit', events('limit=9999999999999999'), invalid('limit')],
  ['cursor, limit and kind all wrong', events('after=x&limit=x&kind=x'), invalid('after', 'limit', 'kind')],
  ['a Last-Event-ID that is no number', events('', { 'last-event-id': 'abc' }), invalid('last-event-id')],
  ['a negative Last-Event-ID for a stream', events('', { accept: 'text/event-stream', 'last-event-id': '-1' }), invalid('last-event-id')],
  ['messages before no message', get((place) => `/api/sessions/${place.sessionId}/messages?before=${NOBODY}`), gone('message-not-found')],
  ['messages before something else', get((place) => `/api/sessions/${place.sessionId}/messages?before=1`), invalid('before')],
  ['sessions before no page', get('/api/sessions?before=yesterday'), { status: 400, code: 'bad-cursor' }],
  ['sessions of a status that is none', get('/api/sessions?status=happy'), invalid('status')],
  ['no lines of a log', get((place) => `/api/sessions/${place.sessionId}/logs?tail=0&stream=in`), invalid('tail', 'stream')],
];

describe('malformed requests', () => {
  let holdfast: Holdfast;
  let place: Place;
  beforeAll(async () => {
    holdfast = await Holdfast.start();
    writeFileSync(join(holdfast.root, 'a-file'), '');
    symlinkSync(join(holdfast.root, 'ring'), join(holdfast.root, 'ring'));
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    place = { project: holdfast.folder('other'), root: holdfast.root, sessionId };
  });
  afterAll(async () => {
    await holdfast.dispose();
  });

  describe.each([
    ['bodies', bodies],
    ['files', files],
    ['places', places],
    ['paths', paths],
    ['queries', queries],
  ])('%s', (_group, cases) => {
    it.each(cases)('[API30] answers %s with a problem that names what is wrong', async (_what, request, expected) => {
      const reply = await rawRequest(holdfast.url, request(place));
      expect(reply.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      const problem = Problem.parse(JSON.parse(reply.text));
      expect({ status: reply.status, code: problem.code }).toEqual({ status: expected.status, code: expected.code });
      expect(problem.status).toBe(reply.status);
      expect(problem.error).toBe(problem.detail);
      expect(problem.detail.length).toBeGreaterThan(15);
      if (expected.fields) expect(new Set(problem.errors?.map(({ field }) => field))).toEqual(new Set(expected.fields));
      for (const { field } of problem.errors ?? []) expect(problem.detail).toContain(['body', 'query'].includes(field) ? 'it ' : field);
    });
  });

  it('[API31] takes what is odd but valid: NUL and lone surrogates in a message, unknown fields, a huge one that is ignored', async () => {
    const { client } = holdfast;
    const odd = await client.ask({
      message: 'a\u0000b \ud800 c',
      projectPath: holdfast.folder('odd'),
      __proto__x: 1,
      surplus: { deep: nested(1_000) },
    });
    expect(odd).toMatchObject({ state: 'completed' });
    const { status } = await rawRequest(
      holdfast.url,
      post(
        '/api/chat',
        `{"message":"hi","projectPath":${JSON.stringify(place.project)},"__proto__":{"wait":true},"deep":${nested(100_000)}}`,
      ),
    );
    expect(status).toBe(202);
  });

  it('[API32] is as well as before after all of that', async () => {
    expect(holdfast.output).not.toContain('a request failed');
    const answer = await holdfast.client.ask({ message: 'still there?', sessionId: place.sessionId });
    expect(answer.content).toBe('You said: still there?');
  });
});

describe('malformed frames', () => {
  let holdfast: Holdfast;
  let socket: TestSocket;
  beforeAll(async () => {
    holdfast = await Holdfast.start();
    socket = await TestSocket.open(holdfast.url, '/ws');
  });
  afterAll(async () => {
    await socket.close();
    await holdfast.dispose();
  });

  it.each([
    ['no JSON', 'hello', 'bad-frame', []],
    ['bytes', Buffer.from([0xff, 0x00, 0x80]), 'bad-frame', []],
    ['an array', '[]', 'bad-frame', ['frame']],
    ['null', 'null', 'bad-frame', ['frame']],
    ['a type that nobody knows', '{"type":"session.explode","payload":{}}', 'bad-frame', ['type']],
    ['no payload', '{"type":"session.attach"}', 'bad-frame', ['payload']],
    ['a payload of the wrong type', '{"type":"session.attach","payload":7}', 'bad-frame', ['payload']],
    ['wrong fields', '{"type":"session.attach","payload":{"sessionId":1,"after":-1}}', 'bad-frame', ['payload.sessionId', 'payload.after']],
    ['a session that nobody has', `{"type":"session.attach","payload":{"sessionId":"${NOBODY}"}}`, 'session-not-found', undefined],
    ['a message to nobody', `{"type":"session.send","payload":{"sessionId":"${NOBODY}","message":"hi"}}`, 'session-not-found', undefined],
    ['a request id of the wrong type', '{"type":"client.hello","payload":{"clientId":"a"},"requestId":{}}', 'bad-frame', ['requestId']],
    ['deep JSON', `{"type":"session.send","payload":{"message":${nested(50_000)},"projectPath":"/"}}`, 'bad-frame', ['payload.message']],
  ])('[WS30] answers %s with an error frame that names what is wrong, and stays open', async (_what, frame, code, fields) => {
    const before = socket.frames.length;
    socket.socket.send(frame);
    const answer = await socket.next((candidate) => socket.frames.indexOf(candidate) >= before && candidate.type === 'error');
    const problem = Problem.parse(answer.payload);
    expect(problem).toMatchObject({ code, error: problem.detail });
    if (fields && fields.length > 0) expect(problem.errors?.map(({ field }) => field)).toEqual(fields);
    expect((await socket.request('client.hello', { clientId: 'test' })).payload).toEqual({ success: true });
  });

  it('[WS31] names the request even where the frame is wrong', async () => {
    expect(await socket.request('session.attach', {})).toMatchObject({ type: 'error', payload: { code: 'bad-frame' } });
  });

  it('[WS32] ends a socket that sends a frame of more than 64 MiB, and no other', async () => {
    const greedy = await TestSocket.open(holdfast.url, '/ws');
    greedy.socket.send('x'.repeat(64 * MB + 1));
    expect(await greedy.ended()).toMatchObject({ code: 1009 });
    expect((await socket.request('client.hello', { clientId: 'test' })).type).toBe('result');
  });

  it.each([
    ['a path without sockets', '/nothing', 404, 'not-found'],
    ['a session that nobody has', `/api/sessions/${NOBODY}/stream`, 404, 'session-not-found'],
    ['percent signs that mean nothing', '/api/sessions/%zz/stream', 404, 'not-found'],
    ['two slashes', '//', 404, 'not-found'],
    ['a negative cursor', '/ws?after=-1', 400, 'validation-failed'],
  ])('[WS33] refuses an upgrade with a problem: %s', async (_what, path, status, code) => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const reply = await rawRequest(holdfast.url, { path, headers: upgrade });
    expect(reply.status).toBe(status);
    expect(Problem.parse(JSON.parse(reply.text))).toMatchObject({ code, status });
  });
});
