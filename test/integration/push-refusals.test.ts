import { describe, expect, it } from 'vitest';
import type { FakeClock } from '../support/fake-clock.ts';
import { payloadOf, deviceToken } from '../support/push.ts';
import { pushOnClockForEach, type PushOnClock } from '../support/push-on-clock.ts';

const MINUTE = 60_000;

describe('what the push service says no to', () => {
  let world: PushOnClock;
  let clock: FakeClock;
  pushOnClockForEach((...fresh) => ([world, clock] = fresh));

  it('[PU10] a device whose token is bad gets nothing more', async () => {
    const device = world.device();
    world.sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'BadDeviceToken' } });
    world.fail('one');
    await world.drained();
    expect(world.store.devices.byNum(device.num)).toMatchObject({ state: 'unregistered', last_result: 'BadDeviceToken' });
    expect(world.rows()).toMatchObject([{ state: 'failed', status: 400, reason: 'BadDeviceToken' }]);
    const before = world.sandbox.pushes().length;
    world.fail('three');
    await world.drained();
    expect(world.sandbox.pushes()).toHaveLength(before);
  });

  it('[PU10] 410 unregisters a device, but not one that registered again since then', async () => {
    const gone = world.device(1);
    const back = world.device(2, { registered_at: clock.now() + MINUTE });
    for (const number of [1, 2]) {
      world.sandbox.setDevice(deviceToken(number), { topic: 'com.example.companion', unregisteredAt: clock.now() + 1_000 });
    }
    world.fail('one');
    await world.drained();
    expect(world.store.devices.byNum(gone.num)).toMatchObject({ state: 'unregistered', last_result: 'Unregistered' });
    expect(world.store.devices.byNum(back.num)).toMatchObject({ state: 'active', last_result: 'Unregistered' });
    expect(world.rows()).toMatchObject([
      { state: 'failed', status: 410, reason: 'Unregistered' },
      { state: 'failed', status: 410, reason: 'Unregistered' },
    ]);
  });

  it('[PU11] 429 with Retry-After waits as told, for this device alone', async () => {
    world.device(1);
    world.device(2);
    world.sandbox.script({ when: { token: deviceToken(1), nth: 1 }, then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: 30 } });
    world.fail('one');
    await world.until(() => world.rows().some(({ status }) => status === 429) && world.taken(2).length === 1);
    const refused = world.sandbox.pushes().find(({ outcome }) => outcome.kind === 'refused');
    world.fail('two');
    await world.until(() => world.taken(2).length === 2);
    clock.advance(29_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(world.taken(1)).toEqual([]);
    await world.drained();
    const [first] = world.taken(1);
    expect(world.taken(1)).toHaveLength(2);
    expect((first?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(30_000);
    expect((first?.at ?? 0) - (refused?.at ?? 0)).toBeLessThan(33_000);
    expect(first?.apnsId).toBe(refused?.apnsId);
  });

  it('[PU12] a broken connection, a reset stream, 500 and 503 are tried again under the same apns-id, later each time', async () => {
    world.device();
    const ways = [
      { do: 'refuse', reason: 'InternalServerError' },
      { do: 'cut', taken: false },
      { do: 'reset', taken: false },
      { do: 'refuse', reason: 'ServiceUnavailable' },
    ] as const;
    ways.forEach((then, index) => world.sandbox.script({ when: { nth: index + 1 }, then }));
    world.fail('one');
    await world.drained();
    const tried = world.sandbox.pushes();
    expect(tried.map(({ outcome }) => outcome.kind)).toEqual(['refused', 'broken', 'broken', 'refused', 'accepted']);
    expect(new Set(tried.map(({ apnsId }) => apnsId)).size).toBe(1);
    expect(world.rows()).toMatchObject([{ state: 'delivered', attempts: 5, status: 200 }]);
    const gaps = tried.slice(1).map(({ at }, index) => at - (tried[index]?.at ?? 0));
    expect(gaps[3]).toBeGreaterThan((gaps[0] ?? 0) * 4);
    expect(world.outcomes).toEqual(['delivered']);
  });

  it('[PU12] a push service that is not there is waited for', async () => {
    world.device();
    await world.sandbox.close();
    world.fail('one');
    await world.until(() => world.push.health().state === 'failing');
    expect(world.push.health()).toMatchObject({ state: 'failing', detail: 'It does not answer: ECONNREFUSED.', queued: 1 });
    expect(world.rows()).toMatchObject([{ state: 'queued', reason: 'ECONNREFUSED' }]);
  });

  it('[PU12] a connection that never says a word is given up after 20 s, and the push goes over another one', async () => {
    world.device();
    world.sandbox.script({ when: { nth: 1 }, then: { do: 'silence', taken: false } });
    world.fail('one');
    await world.until(() => world.sandbox.pushes().length === 1);
    clock.advance(15_000);
    expect(world.rows()).toMatchObject([{ state: 'sending' }]);
    clock.advance(10_000);
    await world.drained();
    expect(world.rows()).toMatchObject([{ state: 'delivered', attempts: 2 }]);
    expect(world.sandbox.pushes().map(({ connection }) => connection)).toEqual([1, 2]);
  });

  it('[PU13] an expired provider token is renewed once, and what was refused for it goes again at once', async () => {
    for (let number = 1; number <= 20; number += 1) world.device(number);
    world.sandbox.script({ when: { nth: 3, times: 8 }, then: { do: 'refuse', reason: 'ExpiredProviderToken' } });
    const startedAt = clock.now();
    world.fail('one');
    await world.drained();
    expect(world.taken()).toHaveLength(20);
    expect(new Set(world.sandbox.pushes().map(({ providerToken }) => providerToken)).size).toBe(2);
    expect(clock.now() - startedAt).toBeLessThan(10_000);
  });

  it('[PU13] a service that refuses every token gets no more than one new one in 20 minutes', async () => {
    world.device();
    world.sandbox.script({ then: { do: 'refuse', reason: 'ExpiredProviderToken' } });
    world.fail('one');
    for (let minute = 0; minute < 19; minute += 1) {
      clock.advance(MINUTE);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const tried = world.sandbox.pushes();
    expect(tried.length).toBeGreaterThan(3);
    expect(new Set(tried.map(({ providerToken }) => providerToken)).size).toBe(2);
  });

  it('[PU14] in an hour of use there are two provider tokens at most, on one connection', async () => {
    world.device();
    const seen: { at: number; token: string | null }[] = [];
    for (let minute = 0; minute < 180; minute += 1) {
      world.fail(`minute ${minute}`);
      const count = minute + 1;
      await world.until(() => world.taken().length === count);
      clock.advance(MINUTE);
    }
    for (const { at, providerToken } of world.sandbox.pushes()) seen.push({ at, token: providerToken });
    const firsts = [...new Map(seen.toReversed().map(({ at, token }) => [token, at])).values()].sort((a, b) => a - b);
    expect(firsts).toHaveLength(4);
    for (const gap of firsts.slice(1).map((at, index) => at - (firsts[index] ?? 0))) {
      expect(gap).toBeGreaterThanOrEqual(20 * MINUTE);
      expect(gap).toBeLessThanOrEqual(60 * MINUTE);
    }
    expect(new Set(world.sandbox.pushes().map(({ connection }) => connection)).size).toBe(1);
  });

  it('[PU15] what nobody needs any more is not sent: it has expired, was settled, or has been replaced', async () => {
    const device = world.device();
    world.sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: 7_200 } });
    world.fail('held');
    await world.until(() => world.rows().some(({ status }) => status === 429));
    const limit = (used: number): string =>
      world.append({ channel: 'session', kind: 'resource.warning', data: { what: 'memory', used, limit: 100 } });
    limit(81);
    await world.until(() => world.rows().length === 2);
    world.store.deliveries.postpone(device.num, clock.now() + 7_200_000);
    limit(85);
    const approvalId = world.ask();
    await world.until(() => world.rows().length === 4);
    world.store.deliveries.postpone(device.num, clock.now() + 7_200_000);
    world.append({ channel: 'agent', kind: 'approval.resolved', data: { approvalId, decision: 'allow', by: 'me' } });
    await world.until(() => world.rows().length === 5);
    clock.advance(7_200_000);
    await world.drained();
    expect(world.taken().map((push) => payloadOf(push)['type'])).toEqual(expect.arrayContaining(['turn.failed']));
    expect(world.taken().filter(({ pushType }) => pushType === 'alert')).toHaveLength(1);
    expect(world.rows().map(({ state, reason }) => `${state} ${reason}`)).toEqual(
      expect.arrayContaining(['dropped replaced', 'dropped settled', 'expired null']),
    );
  });
});
