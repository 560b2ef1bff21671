import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { MOST_WAITING, PROVE_MS, SILENT_PER_HOUR } from '../../server/push/rules/enqueue.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { payloadOf } from '../support/push.ts';
import { PushOnClock } from '../support/push-on-clock.ts';

const HOUR = 3_600_000;

describe('the outbox', () => {
  let world: PushOnClock;
  afterEach(() => world.dispose());
  const clock = (): FakeClock => world.clock as FakeClock;
  const rename = (): string => world.append({ channel: 'session', kind: 'session.renamed', data: { name: 'Other' } });
  const silent = () => world.taken().filter(({ pushType }) => pushType === 'background');

  it('[PU5] silent pushes have priority 5 and are few in an hour, however much happens', async () => {
    world = await PushOnClock.start();
    world.device();
    for (let count = 0; count < 10; count += 1) {
      rename();
      await world.drained();
    }
    expect(silent()).toHaveLength(SILENT_PER_HOUR);
    const [push] = silent();
    expect(push).toMatchObject({ priority: 5, pushType: 'background', collapseId: `sync:${world.session.id}` });
    expect(push && payloadOf(push)).toMatchObject({ sessionId: world.session.id, headSeq: 1, aps: { 'content-available': 1 } });
    clock().advance(HOUR);
    rename();
    await world.drained();
    expect(silent()).toHaveLength(SILENT_PER_HOUR + 1);
  });

  it('[PU9] a device that wants less is woken silently, and one that shows the session not at all', async () => {
    world = await PushOnClock.start({ showing: new Set(['device-3']) });
    world.device(1);
    world.device(2, { preferences: JSON.stringify({ level: 'none' }) });
    world.device(3);
    world.device(4, { owner: 'somebody else' });
    world.fail('it');
    await world.until(() => world.taken().length === 2);
    clock().advance(PROVE_MS);
    await world.drained();
    expect(world.taken(1).map(({ pushType }) => pushType)).toEqual(['alert']);
    expect(world.taken(2).map(({ pushType }) => pushType)).toEqual(['background']);
    expect(world.taken(3)).toEqual([]);
    expect(world.taken(4)).toEqual([]);
  });

  it('[DV38] what was kept from a device is told after all when it stops proving that it shows the session', async () => {
    world = await PushOnClock.start({ showing: new Set(['device-1']), awake: false });
    world.device(1);
    world.fail('one');
    await world.until(() => world.rows().length === 1);
    clock().advance(PROVE_MS - 1_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([world.sandbox.pushes().length, world.rows()[0]?.reason]).toEqual([0, 'foreground']);
    clock().advance(1_000);
    await world.drained();
    expect(world.taken(1)).toHaveLength(1);
    expect(world.rows()).toMatchObject([{ state: 'delivered', attempts: 1, reason: null }]);
  });

  it('[DV38] and not when it goes on proving it, or when nobody needs it any more', async () => {
    world = await PushOnClock.start({ showing: new Set(['device-1']) });
    world.device(1);
    world.fail('one');
    const approvalId = world.ask();
    await world.until(() => world.rows().length === 2);
    world.append({ channel: 'agent', kind: 'approval.resolved', data: { approvalId, decision: 'allow', by: 'me' } });
    await world.until(() => world.rows().length === 3);
    clock().advance(PROVE_MS);
    await world.drained();
    expect(world.rows().map(({ state, reason }) => `${state} ${reason}`)).toEqual([
      'dropped foreground',
      'dropped settled',
      'delivered null',
    ]);
  });

  it('[DV38] also where the server ended meanwhile', async () => {
    world = await PushOnClock.start({ showing: new Set(['device-1']), awake: false });
    world.device(1);
    world.fail('one');
    await world.until(() => world.rows().length === 1);
    await world.restart();
    clock().advance(PROVE_MS);
    await world.drained();
    expect(world.taken(1)).toHaveLength(1);
  });

  it('[PU17] what waits for a device is bounded: the oldest silent ones go first, what an agent asks last, and they are counted', async () => {
    world = await PushOnClock.start();
    world.device();
    world.sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: 7_200 } });
    world.fail('first');
    await world.until(() => world.rows().some(({ status }) => status === 429));
    const other = world.makeSession('me', 'Another');
    world.append({ channel: 'session', kind: 'session.renamed', data: { name: 'x' } }, other);
    const asked = world.ask('Remove it?');
    const more = MOST_WAITING + 20;
    for (let count = 0; count < more; count += 1) world.fail(`number ${count}`);
    await world.until(() => world.rows().length === more + 3);
    const rows = world.rows();
    expect(rows.filter(({ state }) => state === 'queued')).toHaveLength(MOST_WAITING);
    const dropped = rows.filter(({ state }) => state === 'dropped');
    expect(dropped).toHaveLength(23);
    expect(rows.find(({ subject }) => subject === `ask:${asked}`)?.state).toBe('queued');
    expect(dropped.every(({ reason }) => reason === 'no-room')).toBe(true);
    expect(dropped.some((row) => row.silent === 1)).toBe(true);
    expect(world.outcomes.filter((outcome) => outcome === 'dropped')).toHaveLength(23);
  });

  it('[PU18] every push stands in the delivery log of its device with its outcome, until it is a week old', async () => {
    world = await PushOnClock.start();
    const device = world.device();
    world.sandbox.script({ when: { nth: 2 }, then: { do: 'refuse', reason: 'TopicDisallowed' } });
    world.fail('one');
    await world.drained();
    world.fail('two');
    await world.drained();
    const log = world.push.deliveries(device, Number.MAX_SAFE_INTEGER, 10);
    expect(log).toMatchObject([
      { kind: 'turn.failed', state: 'failed', reason: 'TopicDisallowed', session_id: world.session.id },
      { kind: 'turn.failed', state: 'delivered', status: 200, reason: null, attempts: 1 },
    ]);
    for (const row of log) expect(row.finished_at).toBeGreaterThanOrEqual(row.created_at);
    expect(log.map(({ apns_id }) => apns_id)).toEqual(
      world.sandbox
        .pushes()
        .map(({ apnsId }) => apnsId)
        .toReversed(),
    );
    clock().advance(8 * 24 * HOUR);
    await world.until(() => world.rows().length === 0);
  });

  it('[PU18] answers that can’t be kept are kept when they can, and nothing is sent again for it', async () => {
    world = await PushOnClock.start();
    world.device(1);
    world.device(2);
    world.sandbox.script({ then: { do: 'accept', delayMs: 100 } });
    world.fail('it');
    await world.until(() => world.sandbox.counts().received === 2);
    world.store.db.pragma('query_only = ON');
    await world.until(() => world.sandbox.counts().accepted === 2);
    const from = clock().now();
    await world.until(() => clock().now() > from + 500);
    expect(world.rows().map(({ state }) => state)).toEqual(['sending', 'sending']);
    expect(world.outcomes).toEqual([]);
    world.store.db.pragma('query_only = OFF');
    await world.drained();
    expect(world.rows()).toMatchObject([
      { state: 'delivered', status: 200, attempts: 1 },
      { state: 'delivered', status: 200, attempts: 1 },
    ]);
    expect(world.outcomes).toEqual(['delivered', 'delivered']);
    expect(world.sandbox.counts().received).toBe(2);
  });

  it('[PU19] receipts are kept for a device’s own pushes, and an approval that was seen is known to be', async () => {
    world = await PushOnClock.start();
    const [first, second] = [world.device(1), world.device(2)];
    const id = world.ask();
    await world.drained();
    const pushId = String(payloadOf(world.taken(1)[0] as never)['pushId']);
    const request = {
      id,
      session_num: world.session.num,
      session_id: world.session.id,
      owner: 'me',
      turn_id: null,
      kind: 'approval',
      asked: '{}',
      asked_at: 0,
    };
    expect(world.push.about(request)).toEqual({ pushedTo: new Set([first.num, second.num]), acknowledged: false });
    const receipts = [
      { id: pushId, receivedAt: 5, openedAt: null },
      { id: randomUUID(), receivedAt: 5, openedAt: null },
    ];
    expect(world.push.recordReceipts(first, receipts)).toEqual({ recorded: 1, unknown: 1 });
    expect(world.push.about(request)).toMatchObject({ acknowledged: true });
  });

  it.each(['at once', 'later'])('[PU19] an approval goes to devices that were left out when it is escalated %s', async (when) => {
    world = await PushOnClock.start({ showing: new Set(['device-1']) });
    const device = world.device(1);
    const id = world.ask('Remove it all?');
    await world.until(() => world.rows().length === 1);
    if (when === 'later') {
      clock().advance(PROVE_MS);
      await world.drained();
    }
    expect(world.taken()).toEqual([]);
    const asked = JSON.stringify({ approvalId: id, tool: 'Bash', title: 'Remove it all?', input: {}, options: [], expiresAt: null });
    const request = {
      id,
      session_num: world.session.num,
      session_id: world.session.id,
      owner: 'me',
      turn_id: randomUUID(),
      kind: 'approval',
      asked,
    };
    const open = { ...request, asked_at: world.clock.now() };
    expect(world.push.about(open)).toEqual({ pushedTo: new Set(), acknowledged: false });
    world.store.transaction(() => world.push.escalate(open, [device]));
    expect(world.push.about(open)).toEqual({ pushedTo: new Set([device.num]), acknowledged: false });
    await world.drained();
    expect(world.taken(1)).toMatchObject([{ collapseId: `ask:${id}`, pushType: 'alert' }]);
  });

  it('[PU42] an answer of emoji that does not fit is cut between them, and the payload is at most 4,096 bytes', async () => {
    world = await PushOnClock.start();
    world.device();
    const family = '👨‍👩‍👧‍👦';
    const text = family.repeat(900);
    const data = { text, usage: null, costUsd: null, durationMs: 1, firstTokenMs: null };
    world.append({ channel: 'turn', kind: 'turn.completed', data });
    await world.drained();
    const [push] = world.taken(1);
    expect(push?.bytes).toBeLessThanOrEqual(4_096);
    const { preview, requiresFetch, aps } = payloadOf(push as never) as {
      preview: string;
      requiresFetch: boolean;
      aps: { alert: { body: string } };
    };
    expect(requiresFetch).toBe(true);
    for (const cut of [preview, aps.alert.body]) expect(cut.slice(0, -1).replaceAll(family, '')).toBe('');
  });
});
