import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PushRecord } from '../../cli/push-sandbox/push-record.ts';
import type { ActivitiesView, ActivityContent, ActivityView } from '../../server/contracts/activities.ts';
import type { DeviceView } from '../../server/contracts/devices.ts';
import { eventOf } from '../support/agent-processes.ts';
import type { Reply } from '../support/client.ts';
import { eventually } from '../support/eventually.ts';
import { payloadOf, PushWorld } from '../support/push.ts';

type Problem = { code: string; errors?: { field: string }[] };
const NOBODY = '00000000-0000-4000-8000-000000000000';

/** A live activity's token: longer than a device's. */
const newToken = (): string => `80${randomUUID()}${randomUUID()}${randomUUID()}ff`.replaceAll('-', '');
const contentOf = (push: PushRecord): ActivityContent => payloadOf(push).aps['content-state'] as ActivityContent;

describe('live activities', () => {
  let world: PushWorld;
  let device: DeviceView;
  beforeAll(async () => {
    world = await PushWorld.start();
    device = await world.register(1, { topic: 'com.example.companion' });
  });
  afterAll(() => world.dispose());

  const path = (id = device.id): string => `/api/devices/${id}/activities`;
  const call = <T = ActivityView>(method: string, to: string, body?: unknown): Promise<Reply<T>> =>
    world.holdfast.client.call<T>(method, to, body);
  const register = async (sessionId: string, token: string, more = {}): Promise<ActivityView> =>
    (await call('POST', path(), { sessionId, token, ...more })).body;
  const session = async (name: string): Promise<string> =>
    (await call<{ sessionId: string }>('POST', '/api/sessions', { projectPath: world.holdfast.folder(name), name })).body.sessionId;
  const told = (token: string): PushRecord[] => world.pushes().filter((push) => push.token === token && push.outcome.kind === 'accepted');
  const shown = (token: string, look: (content: ActivityContent, push: PushRecord) => boolean): Promise<PushRecord> =>
    eventually(() => told(token).findLast((push) => look(contentOf(push), push)));
  const listed = async (): Promise<ActivityView[]> => (await call<ActivitiesView>('GET', path())).body.activities;
  const isListed = async (id: string): Promise<boolean> => (await listed()).some((activity) => activity.id === id);

  it('[LA12] it is told when its session works, waits for its owner, goes on, is idle and ends', async () => {
    const { client } = world.holdfast;
    const sessionId = await session('whole-life');
    const token = newToken();
    const made = await call('POST', path(), { sessionId, token: token.toUpperCase(), activityId: 'E621E1F8-C36C' });
    expect([made.status, made.headers.get('location')]).toEqual([201, `${path()}/${made.body.id}`]);
    expect(made.body).toMatchObject({
      ...{ sessionId, activityId: 'E621E1F8-C36C', token: `…${token.slice(-4)}`, alerts: false },
      content: { state: 'idle', title: 'whole-life', turn: null, needs: null },
    });
    expect(await listed()).toContainEqual(made.body);
    expect(payloadOf(await shown(token, ({ state }) => state === 'idle')).aps).toMatchObject({ event: 'update' });

    const { messageId, cursor } = (await client.send({ message: 'sleep=8000\napprove: rm -r build', sessionId })).body;
    const working = await shown(token, ({ state }) => state === 'working');
    expect(working).toMatchObject({ ...{ pushType: 'liveactivity', topic: 'com.example.companion.push-type.liveactivity', priority: 5 } });
    expect(contentOf(working).turn).toMatchObject({ id: messageId, state: 'running', endedAt: null, text: null });
    const asked = await eventOf(client, sessionId, 'approval.requested', cursor);
    const { approvalId } = asked.data as { approvalId: string };
    const waiting = await shown(token, ({ state }) => state === 'waiting');
    expect(waiting).toMatchObject({ priority: 10, collapseId: working.collapseId });
    expect(contentOf(waiting).needs).toMatchObject({ kind: 'approval', id: approvalId, title: 'rm -r build', more: 0 });
    const { aps } = payloadOf(waiting);
    expect(aps).toMatchObject({ event: 'update', 'relevance-score': 1 });
    expect(aps).not.toHaveProperty('alert');
    expect(Number(aps['stale-date'])).toBeGreaterThan(waiting.at / 1_000 + 3_600);
    expect(waiting.expiration).toBe(aps['stale-date']);

    await client.call('POST', `/api/sessions/${sessionId}/approvals/${approvalId}`, { decision: 'allow' });
    const done = await shown(token, ({ turn }) => turn?.state === 'completed');
    expect(done).toMatchObject({ priority: 10 });
    expect(contentOf(done)).toMatchObject({ state: 'idle', needs: null, turn: { id: messageId, text: 'Approved: rm -r build' } });

    await client.call('POST', `/api/sessions/${sessionId}/archive`);
    const end = await shown(token, (_, push) => payloadOf(push).aps['event'] === 'end');
    expect(end).toMatchObject({ pushType: 'liveactivity', priority: 10 });
    expect(contentOf(end)).toMatchObject({ state: 'ended', turn: { state: 'completed' } });
    expect(Number(payloadOf(end).aps['dismissal-date'])).toBeGreaterThan(end.at / 1_000);
    // Each one counts for a phone, whatever order they come in.
    const stamps = told(token).map((push) => Number(payloadOf(push).aps['timestamp']));
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => a - b));
    expect(stamps[0]).toBeGreaterThan(1_700_000_000);
    expect(stamps.at(-1)).toBeLessThan(10_000_000_000);
    expect(told(token).length).toBeLessThanOrEqual(6);
    for (const push of told(token)) expect(Buffer.byteLength(push.body)).toBeLessThanOrEqual(4_096);
    await eventually(async () => !(await isListed(made.body.id)));
    expect(await call<Problem>('POST', path(), { sessionId, token })).toMatchObject({ status: 409, body: { code: 'session-archived' } });
  });

  it('[LA7] what an agent says and does in a turn is not told', async () => {
    const sessionId = await session('talks');
    const token = newToken();
    await register(sessionId, token);
    await shown(token, ({ state }) => state === 'idle');
    const { client } = world.holdfast;
    const { cursor } = (await client.send({ message: 'tokens=60000 delay=5\ntool: hammer', sessionId })).body;
    await eventOf(client, sessionId, 'tool.finished', cursor);
    await shown(token, ({ state }) => state === 'working');
    const { cursor: from } = await client.session(sessionId);
    await eventually(async () => (await client.session(sessionId)).cursor > from + 200);
    await client.call('POST', `/api/sessions/${sessionId}/cancel`);
    await shown(token, ({ turn }) => turn?.state === 'cancelled');
    expect(told(token).map((push) => contentOf(push).state)).toEqual(['idle', 'working', 'idle']);
  });

  it('[LA1] it is taken off the lock screen by the id of the app, and when its session is deleted', async () => {
    const sessionId = await session('removed');
    const token = newToken();
    const activity = await register(sessionId, token, { activityId: 'APP-1' });
    expect(await call('DELETE', `${path()}/app-1`)).toMatchObject({ status: 200, body: { success: true, id: activity.id } });
    expect(await isListed(activity.id)).toBe(false);
    const end = await shown(token, (_, push) => payloadOf(push).aps['event'] === 'end');
    expect(payloadOf(end).aps['dismissal-date']).toBeLessThanOrEqual(end.at / 1_000);
    expect(await call<Problem>('DELETE', `${path()}/${activity.id}`)).toMatchObject({ status: 404, body: { code: 'activity-not-found' } });

    const other = newToken();
    const again = await call('POST', path(), { sessionId, token: other });
    expect(again.status).toBe(201);
    await shown(other, ({ state }) => state === 'idle');
    await call('DELETE', `/api/sessions/${sessionId}`);
    const gone = await shown(other, (_, push) => payloadOf(push).aps['event'] === 'end');
    expect(contentOf(gone)).toMatchObject({ state: 'ended', title: 'removed' });
    expect(await isListed(again.body.id)).toBe(false);
  });

  it('[LA3] bad input is a 4xx problem that names every wrong field', async () => {
    const sessionId = await session('bad-input');
    const token = newToken();
    for (const [body, fields] of [
      [{}, ['sessionId', 'token']],
      [{ sessionId: 'x', token: 'xyz', activityId: '', alerts: 'yes' }, ['sessionId', 'token', 'activityId', 'alerts']],
      [{ sessionId, token: 'abc' }, ['token']],
      [{ sessionId, token: '' }, ['token']],
      [{ sessionId, token: 'ab'.repeat(513) }, ['token']],
      [{ sessionId, token, activityId: 'a\nb' }, ['activityId']],
      [{ sessionId: [], token: {} }, ['sessionId', 'token']],
    ] as const) {
      const { status, body: problem } = await call<Problem>('POST', path(), body);
      expect([status, problem.code, problem.errors?.map(({ field }) => field)]).toEqual([400, 'validation-failed', fields]);
    }
    for (const length of [2, 64, 1_024])
      expect(
        (await call('POST', path(), { sessionId, token: 'ab'.repeat(length / 2), activityId: null, alerts: null })).status,
      ).toBeLessThan(202);
  });

  it('[LA3] an unknown device or session is 404', async () => {
    const sessionId = await session('unknown');
    const body = { sessionId, token: newToken() };
    for (const [method, to, sent, code] of [
      ['POST', path(NOBODY), body, 'device-not-found'],
      ['GET', path(NOBODY), undefined, 'device-not-found'],
      ['DELETE', `${path(NOBODY)}/${NOBODY}`, undefined, 'device-not-found'],
      ['POST', path(), { ...body, sessionId: NOBODY }, 'session-not-found'],
      ['DELETE', `${path()}/${NOBODY}`, undefined, 'activity-not-found'],
    ] as const)
      expect(await call<Problem>(method, to, sent)).toMatchObject({ status: 404, body: { code } });
  });

  it('[LA16] a kill -9 loses neither what was to be told nor what comes after it', async () => {
    const { holdfast, sandbox } = world;
    const sessionId = await session('killed');
    const token = newToken();
    const { id } = await register(sessionId, token);
    await shown(token, ({ state }) => state === 'idle');
    sandbox.script({ then: { do: 'silence', taken: false } });
    await holdfast.client.send({ message: 'sleep=8000', sessionId });
    const lost = await eventually(() => world.pushes().find((push) => push.token === token && contentOf(push).state === 'working'));
    await holdfast.kill();
    sandbox.unscript();
    await holdfast.start();
    // The one without an answer goes again as the same push, or a newer state has taken its place.
    const done = await shown(token, ({ turn }) => turn?.state === 'completed');
    for (const push of told(token)) if (contentOf(push).state === 'working') expect(push.apnsId).toBe(lost.apnsId);
    expect(Number(payloadOf(done).aps['timestamp'])).toBeGreaterThan(Number(payloadOf(lost).aps['timestamp']));
    expect(await isListed(id)).toBe(true);
  });

  it('[LA4] it goes with its device', async () => {
    const sessionId = await session('without-device');
    const { id } = await world.register(7);
    const token = newToken();
    await call('POST', path(id), { sessionId, token });
    await shown(token, ({ state }) => state === 'idle');
    await call('DELETE', `/api/devices/${id}`);
    await world.holdfast.client.ask({ message: 'hello', sessionId });
    await world.first('turn.completed');
    const again = await world.register(7);
    expect((await call<ActivitiesView>('GET', path(again.id))).body).toEqual({ activities: [] });
    expect(told(token)).toHaveLength(1);
  });
});
