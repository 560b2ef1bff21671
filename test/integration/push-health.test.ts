import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { DeliveriesPage, DeliveryView } from '../../server/contracts/devices.ts';
import type { SessionMetricsView } from '../../server/contracts/metrics-views.ts';
import type { HealthView } from '../../server/contracts/server-views.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { deviceToken, payloadOf, PushWorld } from '../support/push.ts';
import { runServer } from '../support/server-run.ts';

describe('push as its owner sees it', () => {
  const toDispose: { dispose: () => Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of toDispose.splice(0)) await each.dispose();
  });

  it('[PU23] without APNS settings all works but the sending, and the start and /health say what is missing', async () => {
    const holdfast = await Holdfast.start({ env: { APNS_TOPIC: 'com.example.companion' } });
    toDispose.push(holdfast);
    const { client, project } = holdfast;
    await eventually(() => holdfast.output.includes('Push is off'));
    expect(holdfast.output).toContain('Push is off: everything works but the sending. Not set: APNS_KEY_PATH, APNS_KEY_ID, APNS_TEAM_ID.');
    expect((await client.call('POST', '/api/devices', { token: deviceToken(1), platform: 'ios' })).status).toBe(201);
    await client.ask({ message: 'Hello', projectPath: project });
    const push = async () => (await client.call<HealthView>('GET', '/health')).body.push;
    await eventually(async () => (await push()).queued === 1);
    expect(await push()).toEqual({ state: 'off', detail: 'Not set: APNS_KEY_PATH, APNS_KEY_ID, APNS_TEAM_ID.', queued: 1 });
  });

  it('[PU24] figures tell how pushes ended and how many wait, and /health that the service refuses them all', async () => {
    const world = await PushWorld.start();
    toDispose.push(world);
    const { client, project } = world.holdfast;
    await world.register(1);
    await client.ask({ message: 'Hello', projectPath: project });
    const figures = async () => (await client.call<SessionMetricsView>('GET', '/api/metrics/sessions')).body;
    await eventually(async () => (await figures()).pushes.delivered === 1);
    expect(await figures()).toMatchObject({ pushes: { delivered: 1, failed: 0, expired: 0, dropped: 0 }, queues: { pushes: 0 } });
    const health = async () => (await client.call<HealthView>('GET', '/health')).body.push;
    expect(await health()).toEqual({ state: 'ready', queued: 0 });
    world.sandbox.script({ then: { do: 'refuse', reason: 'InvalidProviderToken' } });
    await client.ask({ message: 'Again', projectPath: project });
    await eventually(async () => (await health()).state === 'failing');
    expect(await health()).toEqual({ state: 'failing', detail: 'It refuses all pushes: 403 InvalidProviderToken.', queued: 1 });
    const text = await fetch(`${client.url}/metrics`, { headers: client.headers });
    expect(await text.text()).toMatch(/holdfast_pushes_total\{outcome="delivered"\} 1[\s\S]*holdfast_queue_length\{queue="pushes"\} 1/);
  });

  it('[PU25] a test push arrives whatever the device wants, and a device is told what came of its pushes', async () => {
    const world = await PushWorld.start();
    toDispose.push(world);
    const { client } = world.holdfast;
    const { id } = await world.register(1);
    await client.call('PATCH', `/api/devices/${id}`, { preferences: { level: 'none' } });
    const { status, body } = await client.call<{ pushId: string }>('POST', `/api/devices/${id}/test`);
    expect(status).toBe(202);
    await eventually(() => world.of('test').some((push) => push.body.includes(body.pushId)));
    await eventually(
      async () =>
        (await client.call<{ health: { lastResult: string } }>('GET', `/api/devices/${id}`)).body.health.lastResult === 'delivered',
    );
  });

  it('[DV55] the delivery log of a device has its own pushes once each in pages, with what became of them', async () => {
    const world = await PushWorld.start();
    toDispose.push(world);
    const { client } = world.holdfast;
    const [{ id }, other] = [await world.register(1), await world.register(2)];
    world.sandbox.script({ when: { token: deviceToken(1), nth: 2 }, then: { do: 'refuse', reason: 'TopicDisallowed' } });
    world.sandbox.script({ when: { token: deviceToken(1), nth: 3 }, then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: 600 } });
    const page = async (query: string) => (await client.call<DeliveriesPage>('GET', `/api/devices/${id}/deliveries${query}`)).body;
    await client.call('POST', `/api/devices/${other.id}/test`);
    const states = ['delivered', 'failed', 'queued'];
    for (const [index, state] of states.entries()) {
      await client.call('POST', `/api/devices/${id}/test`);
      await eventually(async () => {
        const { deliveries } = await page('');
        return deliveries.length === index + 1 && deliveries[0]?.attempts === 1 && deliveries[0].state === state;
      });
    }
    const sent = world.pushes(1).map((push) => String(payloadOf(push)['pushId']));
    await client.call('POST', `/api/devices/${id}/receipts`, { pushes: [{ id: sent[0] }] });
    const seen: DeliveryView[] = [];
    let before: string | null = '';
    while (before !== null) {
      const { deliveries, nextBefore }: DeliveriesPage = await page(`?limit=1${before && `&before=${before}`}`);
      seen.push(...deliveries);
      before = nextBefore;
    }
    expect(seen).toEqual((await page('?limit=1000')).deliveries);
    const same = { kind: 'test', sessionId: null, silent: false, attempts: 1, openedAt: null };
    expect(seen).toMatchObject([
      { ...same, pushId: sent[2], state: 'queued', status: 429, reason: 'TooManyRequests', finishedAt: null },
      { ...same, pushId: sent[1], state: 'failed', status: 400, reason: 'TopicDisallowed', nextAttemptAt: null, receivedAt: null },
      { ...same, pushId: sent[0], state: 'delivered', status: 200, reason: null, receivedAt: expect.any(String) },
    ]);
    expect(seen.map(({ apnsId }) => apnsId)).toEqual(
      world
        .pushes(1)
        .map(({ apnsId }) => apnsId)
        .toReversed(),
    );
    expect(Date.parse(seen[0]?.nextAttemptAt ?? '')).toBeGreaterThan(Date.now() + 500_000);
  });

  it('[PU26] a push key that can’t be used stops the start with a sentence that names it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-key-'));
    const file = join(folder, 'key.p8');
    const env = { HOME: folder, DATA_DIR: join(folder, 'data'), APNS_KEY_ID: 'A', APNS_TEAM_ID: 'B', APNS_TOPIC: 'c.d' };
    expect(await runServer({ ...env, APNS_KEY_PATH: file })).toMatchObject({ code: 1, output: expect.stringContaining('APNS_KEY_PATH') });
    writeFileSync(file, 'not a key');
    const { code, output } = await runServer({ ...env, APNS_KEY_PATH: file });
    expect({ code, output }).toMatchObject({ code: 1, output: expect.stringContaining('APNS_KEY_PATH is no private key') });
    rmSync(folder, { recursive: true, force: true });
  });
});
