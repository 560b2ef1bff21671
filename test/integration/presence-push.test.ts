import { afterEach, describe, expect, it } from 'vitest';
import type { DeliveryState } from '../../server/storage/deliveries-table.ts';
import { eventOf } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { payloadOf, PushWorld } from '../support/push.ts';
import { lookIntoStore } from '../support/store-file.ts';
import { TestSocket } from '../support/socket.ts';

const PHONE = 1;
const MAC = 2;
const PROOF_SECONDS = 15;

describe('pushes to those who are not there', () => {
  let world: PushWorld;
  const sockets: TestSocket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) if (!socket.closed) await socket.close();
    await world.dispose();
  });

  const alerts = (device: number): unknown[] =>
    world
      .pushes(device)
      .filter(({ pushType }) => pushType === 'alert')
      .map((push) => payloadOf(push)['type']);
  const inState = (state: DeliveryState): number =>
    lookIntoStore(world.holdfast, (db) => db.prepare<[string], unknown>('SELECT 1 FROM deliveries WHERE state = ?').all(state)).length;
  const withheld = (): number => inState('queued');
  async function show(deviceId: string, sessionId: string, autoPong = true): Promise<TestSocket> {
    const socket = await TestSocket.open(world.holdfast.url, '/ws', { autoPong });
    sockets.push(socket);
    await socket.request('client.hello', { clientId: 'app', deviceId });
    await socket.request('session.focus', { sessionId });
    return socket;
  }

  it('[DV37] spares the device that shows the session, and no other device and no other session', async () => {
    world = await PushWorld.start();
    const { client } = world.holdfast;
    const phone = await world.register(PHONE);
    await world.register(MAC);
    const { sessionId } = await client.ask({ message: 'first', projectPath: world.holdfast.folder('shown') });
    await eventually(() => alerts(PHONE).length === 1 && alerts(MAC).length === 1);
    const socket = await show(phone.id, sessionId);
    await client.ask({ message: 'second', sessionId });
    await eventually(() => alerts(MAC).length === 2);
    // Its next signs of life say that it saw it.
    await eventually(() => withheld() === 0, PROOF_SECONDS);
    expect(alerts(PHONE)).toHaveLength(1);
    await client.ask({ message: 'elsewhere', projectPath: world.holdfast.folder('other') });
    await eventually(() => alerts(MAC).length === 3 && alerts(PHONE).length === 2);
    await socket.request('session.focus', { sessionId: null });
    await client.ask({ message: 'third', sessionId });
    await eventually(() => alerts(MAC).length === 4 && alerts(PHONE).length === 3);
  });

  it('[DV31] [DV38] a phone that fell asleep with its socket open gets its pushes again, also the one of that moment', async () => {
    world = await PushWorld.start();
    const { client } = world.holdfast;
    const phone = await world.register(PHONE);
    const { sessionId } = await client.ask({ message: 'first', projectPath: world.holdfast.folder('asleep') });
    await eventually(() => alerts(PHONE).length === 1);
    await show(phone.id, sessionId, false);
    await client.ask({ message: 'just then', sessionId });
    await eventually(() => alerts(PHONE).length === 2, PROOF_SECONDS);
    await eventually(
      async () => (await client.call<{ showing: string | null }>('GET', `/api/devices/${phone.id}`)).body.showing === null,
      PROOF_SECONDS + 10,
    );
    await client.ask({ message: 'second', sessionId });
    await eventually(() => alerts(PHONE).length === 3);
  });

  it('[DV40] an approval that nobody reacted to comes to the device that was spared, also after a kill -9 in between', async () => {
    world = await PushWorld.start({}, { env: { PUSH_ESCALATE_SECONDS: '6' } });
    const { holdfast } = world;
    const phone = await world.register(PHONE);
    await world.register(MAC);
    const { sessionId } = await holdfast.client.ask({ message: 'first', projectPath: holdfast.folder('kept') });
    await eventually(() => alerts(PHONE).length === 1);
    await show(phone.id, sessionId);
    const { body } = await holdfast.client.send({ message: 'approve: the plan', sessionId });
    await eventOf(holdfast.client, sessionId, 'approval.requested', body.cursor);
    await eventually(() => alerts(MAC).length === 2);
    // Its answer is kept, or the next server would send it again.
    await eventually(() => inState('sending') === 0);
    expect(alerts(PHONE)).toHaveLength(1);
    await holdfast.kill();
    await holdfast.start();
    await eventually(() => alerts(PHONE).length === 2);
    expect([alerts(PHONE)[1], alerts(MAC).length]).toEqual(['approval.requested', 2]);
  });

  it('[DV41] a receipt of one device ends it', async () => {
    world = await PushWorld.start({}, { env: { PUSH_ESCALATE_SECONDS: '2' } });
    const { client } = world.holdfast;
    const phone = await world.register(PHONE);
    const mac = await world.register(MAC);
    const { sessionId } = await client.ask({ message: 'first', projectPath: world.holdfast.folder('told') });
    await show(phone.id, sessionId);
    await eventually(() => alerts(MAC).length === 1);
    await client.send({ message: 'approve: the plan', sessionId });
    await eventually(() => alerts(MAC).length === 2);
    const push = world.pushes(MAC).findLast((each) => payloadOf(each)['type'] === 'approval.requested');
    const { pushId } = payloadOf(push ?? expect.fail('there is a push'));
    const reply = await client.call<unknown>('POST', `/api/devices/${mac.id}/receipts`, { pushes: [{ id: pushId }, { id: 'unknown' }] });
    expect(reply.body).toEqual({ success: true, recorded: 1, unknown: 1 });
    const others = await client.call<unknown>('POST', `/api/devices/${phone.id}/receipts`, { pushes: [{ id: pushId }] });
    expect(others.body).toEqual({ success: true, recorded: 0, unknown: 1 });
    const outcomes = (): unknown[] =>
      lookIntoStore(world.holdfast, (db) => db.prepare<[], { outcome: string }>('SELECT outcome FROM escalations').all());
    await eventually(() => outcomes().length === 1);
    expect(outcomes()).toEqual([{ outcome: 'acknowledged' }]);
    expect(alerts(PHONE)).not.toContain('approval.requested');
  });
});
