import { describe, expect, it } from 'vitest';
import type { FakeClock } from '../support/fake-clock.ts';
import { deviceToken } from '../support/push.ts';
import { pushOnClockForEach, type PushOnClock } from '../support/push-on-clock.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;

describe('an outbox in trouble', () => {
  let world: PushOnClock;
  let clock: FakeClock;
  pushOnClockForEach((...fresh) => ([world, clock] = fresh));
  const count = (sql: string): number => world.store.db.prepare<[], { n: number }>(sql).get()?.n ?? 0;

  it('[PU50] the answer to a push whose device was removed meanwhile is no other push’s', async () => {
    const removed = world.device(1);
    world.sandbox.script({
      when: { token: deviceToken(1), nth: 1 },
      then: { do: 'refuse', reason: 'BadDeviceToken', delayMs: 5 * SECOND },
    });
    world.sandbox.script({ when: { token: deviceToken(2), nth: 1 }, then: { do: 'refuse', reason: 'InternalServerError' } });
    world.fail('one');
    await world.until(() => world.sandbox.pushes().length === 1);
    world.store.devices.remove(removed.num);
    const other = world.device(2);
    world.fail('two');
    await world.until(() => world.rows().some(({ status }) => status === 500));
    const [row] = world.rows();
    world.store.deliveries.postpone(other.num, clock.now() + 10 * SECOND);
    clock.advance(5 * SECOND);
    await world.until(() => world.sandbox.counts().reasons['BadDeviceToken'] === 1);
    await world.drained();
    expect(world.taken(2)).toMatchObject([{ apnsId: row?.apns_id }]);
    expect(world.rows()).toMatchObject([{ state: 'delivered', status: 200 }]);
    expect(world.store.devices.byNum(other.num)).toMatchObject({ id: other.id, state: 'active', last_result: 'delivered' });
  });

  it('[PU51] a push that was given up and sent again does not take the late answer to its first try for its own', async () => {
    world.device(1);
    world.device(2);
    world.sandbox.script({ when: { token: deviceToken(1), nth: 1 }, then: { do: 'accept', delayMs: 30 * SECOND } });
    world.sandbox.script({ when: { token: deviceToken(1), nth: 2 }, then: { do: 'accept', delayMs: 20 * SECOND } });
    world.sandbox.script({ when: { token: deviceToken(2), nth: 1 }, then: { do: 'accept', delayMs: 5 * SECOND } });
    world.fail('one');
    await world.until(() => world.sandbox.pushes().length === 2);
    clock.advance(5 * SECOND);
    await world.until(() => world.rows().some(({ state }) => state === 'delivered'));
    clock.advance(20 * SECOND);
    await world.until(() => world.sandbox.pushes().length === 3);
    clock.advance(5 * SECOND);
    await new Promise((resolve) => setTimeout(resolve, 100));
    clock.advance(15 * SECOND);
    await world.drained(5);
    expect(world.rows()).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }]);
  });

  it('[PU52] a clock that is set back makes nothing wait longer', async () => {
    world.device(1);
    world.sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'ServiceUnavailable', retryAfter: 20 } });
    world.fail('one');
    await world.until(() => world.rows().some(({ status }) => status === 503));
    clock.setWall(clock.now() - 240 * SECOND);
    clock.advance(21 * SECOND);
    await world.drained(5);
    expect(world.taken()).toHaveLength(1);
  });

  it('[PU52] also where it was set back while no server ran', async () => {
    world.device(1);
    world.sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'ServiceUnavailable', retryAfter: 20 } });
    world.fail('one');
    await world.until(() => world.rows().some(({ status }) => status === 503));
    await world.stop();
    clock.setWall(clock.now() - 24 * HOUR);
    await world.restart();
    await world.drained(5);
    expect(world.taken()).toHaveLength(1);
  });

  it('[PU53] an event that no push can be made of holds up no other session', async () => {
    world.device(1);
    world.append({ channel: 'agent', kind: 'rate-limited', data: { resetsAt: 'no time' } });
    world.fail('elsewhere', world.makeSession('me', 'Another'));
    await world.until(() => world.taken(1).length === 1, 5);
  });

  it('[PU18] however many pushes there were, what is older than a week goes', async () => {
    for (let number = 0; number < 50; number += 1) {
      world.store.outbox.insert({
        ...{ id: `push ${number}`, session_num: null, seq: null, kind: 'test', subject: 'test', push_type: 'alert', priority: 10 },
        ...{ payload: '{}', expires_at: clock.now(), created_at: clock.now() },
      });
    }
    clock.advance(8 * 24 * HOUR);
    for (let second = 0; second < 60; second += 1) clock.advance(SECOND);
    expect(count('SELECT count(*) AS n FROM pushes')).toBe(0);
  });

  it('[PU8] whatever an agent calls its requests, their pushes arrive, and hold up no others', async () => {
    world.device(1);
    for (const approvalId of ['two\nlines', '一', 'é', ' ', 'a\0b']) {
      world.append({
        channel: 'agent',
        kind: 'approval.requested',
        data: {
          ...{ approvalId, tool: 'Bash', title: 'Go on?', input: {}, options: [], expiresAt: null },
          ...{ inputHash: '0'.repeat(64), risk: 'low', riskReasons: [] },
        },
      });
    }
    world.fail('another');
    await world.until(() => world.taken(1).length === 6, 5);
    expect(new Set(world.taken(1).map(({ collapseId }) => collapseId)).size).toBe(6);
    for (const { attempts } of world.rows()) expect(attempts).toBe(1);
  });

  it('[PU24] a service that takes no provider token at all is seen in /health, and is left alone for a while', async () => {
    for (let number = 1; number <= 5; number += 1) world.device(number);
    world.sandbox.script({ then: { do: 'refuse', reason: 'ExpiredProviderToken' } });
    world.fail('one');
    await world.until(() => world.push.health().state === 'failing', 5);
    expect(world.push.health()).toMatchObject({ detail: 'It refuses all pushes: 403 ExpiredProviderToken.' });
    await world.until(() => world.rows().every(({ state }) => state === 'queued'));
    const before = world.sandbox.pushes().length;
    world.fail('two');
    await world.until(() => world.rows().length === 10);
    await new Promise((resolve) => setTimeout(resolve, 100));
    clock.advance(25 * SECOND);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(world.sandbox.pushes()).toHaveLength(before);
  });
});
