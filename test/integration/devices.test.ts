import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DevicesPage, DeviceView } from '../../server/contracts/devices.ts';
import type { Reply } from '../support/client.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { rawRequest } from '../support/raw-http.ts';
import { TestSocket } from '../support/socket.ts';

const newToken = (): string => (randomUUID() + randomUUID()).replaceAll('-', '');
type Problem = { code: string; errors?: { field: string; message: string }[] };

describe('devices', () => {
  let holdfast: Holdfast;
  const sockets: TestSocket[] = [];
  beforeAll(async () => {
    holdfast = await Holdfast.start({ env: { LOG_LEVEL: 'trace' } });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) if (!socket.closed) await socket.close();
  });
  afterAll(() => holdfast.dispose());

  const call = <T = DeviceView>(method: string, path: string, body?: unknown): Promise<Reply<T>> =>
    holdfast.client.call<T>(method, path, body);
  const register = async (token = newToken()): Promise<DeviceView> =>
    (await call('POST', '/api/devices', { token, platform: 'ios', environment: 'sandbox', appVersion: '1.4.0', name: 'My phone' })).body;
  const withToken = async (token: string): Promise<DeviceView[]> =>
    (await call<DevicesPage>('GET', '/api/devices?limit=1000')).body.devices.filter((device) => device.token === `…${token.slice(-4)}`);
  const showing = async (id: string): Promise<string | null> => (await call('GET', `/api/devices/${id}`)).body.showing;
  async function open(path = '/ws', options: Parameters<typeof TestSocket.open>[2] = {}): Promise<TestSocket> {
    const socket = await TestSocket.open(holdfast.url, path, options);
    sockets.push(socket);
    return socket;
  }

  it('[DV1] a device is registered, shown, renamed, told what it wants, and removed', async () => {
    const token = newToken();
    const made = await call('POST', '/api/devices', { token: token.toUpperCase(), platform: 'macos', topic: 'com.example.app' });
    expect([made.status, made.headers.get('location')]).toEqual([201, `/api/devices/${made.body.id}`]);
    expect(made.body).toMatchObject({ name: 'Mac', environment: 'sandbox', topic: 'com.example.app', state: 'active', showing: null });
    const again = await call('POST', '/api/devices', { token, platform: 'macos', name: 'My Mac', appVersion: null });
    expect([again.status, again.body.id, again.body.name]).toEqual([200, made.body.id, 'My Mac']);
    const path = `/api/devices/${made.body.id}`;
    const quietHours = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };
    const patched = await call('PATCH', path, { name: 'Desk', preferences: { level: 'needs-me', quietHours } });
    expect(patched.body).toMatchObject({
      name: 'Desk',
      preferences: { level: 'needs-me', quietHours: { ...quietHours, allowTimeSensitive: true } },
    });
    expect((await call('GET', path)).body).toEqual(patched.body);
    expect(await withToken(token)).toEqual([patched.body]);
    expect(await call('DELETE', path)).toMatchObject({ status: 200, body: { success: true, id: made.body.id } });
    for (const [method, rest, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'x' }],
      ['DELETE', '', undefined],
      ['POST', '/test', undefined],
      ['POST', '/receipts', { pushes: [{ id: 'x' }] }],
    ] as const)
      expect(await call<Problem>(method, path + rest, body)).toMatchObject({ status: 404, body: { code: 'device-not-found' } });
  });

  it('[DV50] the published app registers in its own words, whatever it calls its kind', async () => {
    const token = newToken();
    for (const deviceType of ['ios', 'iOS', 'iPhone', null]) {
      const reply = await call<unknown>('POST', '/api/register-device', { deviceToken: token, deviceType, appVersion: '2.0' });
      expect(reply).toMatchObject({ status: 200, body: { success: true } });
    }
    expect(await withToken(token)).toMatchObject([{ platform: 'ios', appVersion: '2.0' }]);
  });

  it('[DV51] a message registers the device that it names, once', async () => {
    const token = newToken();
    const projectPath = holdfast.folder('chat');
    await Promise.all([1, 2, 3].map(() => holdfast.client.send({ message: 'hello', projectPath, deviceToken: token })));
    expect(await withToken(token)).toMatchObject([{ platform: 'ios', environment: 'sandbox' }]);
    const { status } = await holdfast.client.send({ message: 'hello', projectPath, deviceToken: 'a simulator has none' });
    expect(status).toBe(202);
  });

  it('[DV51] so does one that comes over a socket', async () => {
    const token = newToken();
    const projectPath = holdfast.folder('socket');
    const socket = await TestSocket.open(holdfast.url, '/ws');
    sockets.push(socket);
    for (const deviceToken of [token, token, 'a simulator has none'])
      expect((await socket.request('session.send', { message: 'hello', projectPath, deviceToken })).type).toBe('result');
    expect(await withToken(token)).toMatchObject([{ platform: 'ios', environment: 'sandbox' }]);
  });

  it('[DV52] devices and what they want survive kill -9', async () => {
    const device = await register();
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.folder('kept') });
    const preferences = { level: 'none', mutedUntil: '2030-01-01T00:00:00.000Z', sessions: { [sessionId]: { level: 'all' } } };
    const { body } = await call('PATCH', `/api/devices/${device.id}`, { preferences });
    await holdfast.kill();
    await holdfast.start();
    expect((await call('GET', `/api/devices/${device.id}`)).body).toEqual(body);
    await call('DELETE', `/api/sessions/${sessionId}`);
    expect((await call('GET', `/api/devices/${device.id}`)).body.preferences.sessions).toEqual({});
  });

  it('[DV53] a test push where push is not set up says so, and what to set', async () => {
    const { id } = await register();
    const reply = await call<Problem & { detail: string }>('POST', `/api/devices/${id}/test`);
    expect([reply.status, reply.body.code]).toEqual([409, 'push-not-set-up']);
    expect(reply.body.detail).toContain('APNS_KEY_PATH');
  });

  it('[DV9] a receipt for a push that this device never got is counted and is no error', async () => {
    const { id } = await register();
    const pushes = [{ id: 'never sent' }, { id: randomUUID(), openedAt: '2026-01-01T00:00:00Z' }];
    const reply = await call<unknown>('POST', `/api/devices/${id}/receipts`, { pushes });
    expect(reply).toMatchObject({ status: 200, body: { success: true, recorded: 0, unknown: 2 } });
  });

  it('[DV54] bad input is 400 and names its fields', async () => {
    const { id } = await register();
    const good = { token: newToken(), platform: 'ios' };
    const hours = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };
    const quiet = (change: object) => ['PATCH', `/${id}`, { preferences: { quietHours: { ...hours, ...change } } }] as const;
    const many = Object.fromEntries(Array.from({ length: 101 }, () => [randomUUID(), null]));
    const tries: [readonly [string, string, unknown], string[]][] = [
      [
        ['POST', '', {}],
        ['token', 'platform'],
      ],
      [
        ['POST', '', { token: 7, platform: 'android', environment: 'x', topic: '-', appVersion: '', name: ' ' }],
        ['token', 'platform', 'environment', 'topic', 'appVersion', 'name'],
      ],
      [['POST', '', { ...good, token: 'ab'.repeat(31) }], ['token']],
      [['POST', '', { ...good, token: 'ab'.repeat(101) }], ['token']],
      [['POST', '', { ...good, token: 'xy'.repeat(32) }], ['token']],
      [['POST', '', { ...good, token: `${'ab'.repeat(32)}\n` }], ['token']],
      [['POST', '', { ...good, name: 'a\u0007' }], ['name']],
      [['POST', '', []], ['body']],
      [['PATCH', `/${id}`, {}], ['body']],
      [['PATCH', `/${id}`, { name: 'n'.repeat(101) }], ['name']],
      [
        ['PATCH', `/${id}`, { preferences: { level: 'some', mutedUntil: 'tomorrow' } }],
        ['preferences.level', 'preferences.mutedUntil'],
      ],
      [['PATCH', `/${id}`, { preferences: { sessions: many } }], ['preferences.sessions']],
      [['PATCH', `/${id}`, { preferences: { sessions: { nonsense: null } } }], ['preferences.sessions.nonsense']],
      [['PATCH', `/${id}`, { preferences: { sessions: { [randomUUID()]: { level: 1 } } } }], ['preferences.sessions.']],
      [quiet({ from: '24:00', to: '7:00' }), ['preferences.quietHours.from', 'preferences.quietHours.to']],
      [quiet({ to: '22:00' }), ['preferences.quietHours.to']],
      [quiet({ allowTimeSensitive: 'yes' }), ['preferences.quietHours.allowTimeSensitive']],
      ...['Mars/Olympus', '+02:00', '', 'Europe/Berlin ', 'x'.repeat(101)].map((timeZone): [ReturnType<typeof quiet>, string[]] => [
        quiet({ timeZone }),
        ['preferences.quietHours.timeZone'],
      ]),
      [['POST', `/${id}/receipts`, {}], ['pushes']],
      [['POST', `/${id}/receipts`, { pushes: [] }], ['pushes']],
      [['POST', `/${id}/receipts`, { pushes: Array.from({ length: 501 }, () => ({ id: 'x' })) }], ['pushes']],
      [
        ['POST', `/${id}/receipts`, { pushes: [{ id: '', receivedAt: 5, openedAt: 'x' }] }],
        ['pushes.0.id', 'pushes.0.receivedAt', 'pushes.0.openedAt'],
      ],
      [['GET', '?limit=1001', undefined], ['limit']],
      [['GET', '?before=x', undefined], ['before']],
      [
        ['GET', `/${id}/deliveries?limit=0&before=0`, undefined],
        ['limit', 'before'],
      ],
      [['GET', `/${id}/deliveries?limit=1001`, undefined], ['limit']],
    ];
    for (const [[method, path, body], fields] of tries) {
      const reply = await call<Problem>(method, `/api/devices${path}`, body);
      expect({ body, status: reply.status, code: reply.body.code }).toEqual({ body, status: 400, code: 'validation-failed' });
      const named = (reply.body.errors ?? []).map(({ field }) => field);
      expect(new Set(named.map((name, index) => (name.startsWith(fields[index] ?? '?') ? fields[index] : name)))).toEqual(new Set(fields));
    }
    const other = await call<Problem>('POST', '/api/register-device', { deviceToken: 'x', deviceType: 'fridge', appVersion: '' });
    expect([other.status, other.body.errors?.map(({ field }) => field)]).toEqual([400, ['deviceToken', 'deviceType', 'appVersion']]);
    const unknown = { preferences: { sessions: { [randomUUID()]: { level: 'none' } } } };
    expect(await call<Problem>('PATCH', `/api/devices/${id}`, unknown)).toMatchObject({ status: 404, body: { code: 'session-not-found' } });
    const { status } = await rawRequest(holdfast.url, { path: '/api/devices', headers: { authorization: undefined } });
    expect(status).toBe(401);
  });

  it('[DV4] what the server printed has no token in it', async () => {
    const token = newToken();
    const { id } = await register(token);
    await call('POST', '/api/register-device', { deviceToken: token });
    await holdfast.client.send({ message: 'hello', projectPath: holdfast.folder('quiet'), deviceToken: token });
    await call('POST', `/api/devices/${id}/test`);
    await call('POST', '/api/devices', { token: `${token}!`, platform: 'ios' });
    expect(holdfast.output).not.toContain(token.slice(0, 60));
  });

  it('[DV35] a device that says who it is and what it shows is seen there, until it says otherwise or leaves', async () => {
    const { id } = await register();
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.folder('shown') });
    const socket = await open();
    expect(await socket.request('client.hello', { clientId: 'app', deviceId: id })).toMatchObject({ type: 'result' });
    expect(await showing(id)).toBeNull();
    await socket.request('session.focus', { sessionId });
    expect(await showing(id)).toBe(sessionId);
    await socket.request('session.focus', { sessionId: null });
    expect(await showing(id)).toBeNull();
    const stream = await open(`/api/sessions/${sessionId}/stream`);
    await stream.request('session.focus', { sessionId });
    await stream.request('client.hello', { clientId: 'app', deviceId: id.toUpperCase() });
    expect(await showing(id)).toBe(sessionId);
    stream.socket.terminate();
    await eventually(async () => (await showing(id)) === null);
  });

  it('[DV36] a hello without a device is as before; one with a device that its owner does not have is refused', async () => {
    const socket = await open();
    expect(await socket.request('client.hello', { clientId: 'app' })).toMatchObject({ type: 'result', payload: { success: true } });
    expect(await socket.request('client.hello', { clientId: 'app', deviceId: null })).toMatchObject({ type: 'result' });
    const refused = await socket.request('client.hello', { clientId: 'app', deviceId: randomUUID() });
    expect(refused).toMatchObject({ type: 'error', payload: { code: 'device-not-found', status: 404 } });
    const wrong = await socket.request('client.hello', { clientId: 'app', deviceId: 7 });
    expect(wrong).toMatchObject({ type: 'error', payload: { code: 'bad-frame', errors: [{ field: 'payload.deviceId' }] } });
  });

  it('[DV31] a socket that died without a word stops counting within seconds, one that answers pings goes on', async () => {
    const [asleep, awake] = [await register(), await register()];
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.folder('sleep') });
    for (const [device, autoPong] of [
      [asleep, false],
      [awake, true],
    ] as const) {
      const socket = await open('/ws', { autoPong });
      await socket.request('client.hello', { clientId: 'app', deviceId: device.id });
      await socket.request('session.focus', { sessionId });
    }
    expect([await showing(asleep.id), await showing(awake.id)]).toEqual([sessionId, sessionId]);
    await eventually(async () => (await showing(asleep.id)) === null, 25);
    expect(await showing(awake.id)).toBe(sessionId);
  });
});
