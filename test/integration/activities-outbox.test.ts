import { describe, expect, it } from 'vitest';
import type { PushRecord } from '../../cli/push-sandbox/push-record.ts';
import type { ActivityContent, ActivityView } from '../../server/contracts/activities.ts';
import type { NewEvent } from '../../server/contracts/events.ts';
import type { SessionState } from '../../server/contracts/state.ts';
import type { LogKey } from '../../server/events/event-log.ts';
import { MOST_ACTIVITIES } from '../../server/push/activities/activities.ts';
import { AFTERLIFE_MS, IDLE_MS, LIFE_MS, URGENT_PER_HOUR } from '../../server/push/activities/rules.ts';
import type { ActivityRow } from '../../server/storage/activities-table.ts';
import type { DeviceRow } from '../../server/storage/devices-table.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { pushOnClockForEach, type PushOnClock } from '../support/push-on-clock.ts';
import { payloadOf } from '../support/push.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const token = (number: number): string => `80${number.toString(16).padStart(6, '0')}`.repeat(12);
const somethingHappened: NewEvent = { channel: 'session', kind: 'session.resumed', data: {} };
/** Of this the ordinary pushes tell nobody; it shows when they have caught up. */
const heard: NewEvent = { channel: 'session', kind: 'session.extended', data: { expiresAt: '2026-03-02T08:00:00.000Z' } };
const contentOf = (push: PushRecord): ActivityContent => payloadOf(push).aps['content-state'] as ActivityContent;
const eventIn = (push: PushRecord): unknown => payloadOf(push).aps['event'];

describe('live activities and the outbox', () => {
  let world: PushOnClock;
  let clock: FakeClock;
  let device: DeviceRow;
  pushOnClockForEach((...fresh) => {
    [world, clock] = fresh;
    device = world.device();
  });

  const register = (number = 1, more = {}, session: LogKey = world.session, on = device): ActivityView =>
    world.push.activities.register('me', on.id, { sessionId: session.id, token: token(number), ...more }).activity;
  const rows = (): ActivityRow[] => world.store.db.prepare<[], ActivityRow>('SELECT * FROM activities ORDER BY num').all();
  const sent = (number = 1): PushRecord[] => world.sandbox.pushes().filter((push) => push.token === token(number));
  const taken = (number = 1): PushRecord[] => sent(number).filter(({ outcome }) => outcome.kind === 'accepted');
  const states = (number = 1): string[] => taken(number).map((push) => contentOf(push).state);
  /** The session's state changes, with an event that says so. */
  function move(state: SessionState, session: LogKey = world.session): void {
    world.log.transact((append) => {
      world.store.sessions.update(session.num, { state });
      append(session, [somethingHappened, heard]);
    });
  }
  /** Something to decide, as a session has it, with its event. */
  function ask(id: string, title = 'Remove it?'): void {
    const at = clock.now();
    const { num } = world.session;
    const { risk } = { risk: 'low' };
    world.log.transact((append) => {
      world.store.sessions.update(num, { state: 'waiting' });
      world.store.requests.insert({
        ...{ id, session_num: num, incarnation_id: 'incarnation', turn_id: null, agent_request_id: id, kind: 'approval' },
        ...{ asked: JSON.stringify({ approvalId: id, title, risk }), input_hash: '', risk, expires_at: null, asked_at: at },
      });
      append(world.session, [somethingHappened, heard]);
    });
  }
  const settled = async (): Promise<void> => {
    await world.until(() => world.store.outbox.behind().length === 0);
    clock.advance(10_000);
    await world.drained();
  };

  it('[LA2] a new token of the same activity replaces the old one, and is told what is so; its age stays', async () => {
    const first = register(1, { activityId: 'A' });
    await settled();
    clock.advance(HOUR / 4);
    const again = register(2, { activityId: 'a', alerts: true });
    expect(again).toMatchObject({ id: first.id, createdAt: first.createdAt, alerts: true, token: `…${token(2).slice(-4)}` });
    await settled();
    expect([states(1), states(2)]).toEqual([['idle'], ['idle']]);
    // The same once more is nothing new.
    expect(register(2, { activityId: 'a' })).toMatchObject({ id: first.id, alerts: true });
    await settled();
    expect(taken(2)).toHaveLength(1);
    // Another activity of the same session takes its place, and begins its own eight hours.
    const other = register(3, { activityId: 'B' });
    expect(other).toMatchObject({ id: first.id, activityId: 'B' });
    expect(Date.parse(other.createdAt)).toBe(clock.now());
    expect(rows()).toHaveLength(1);
  });

  it('[LA2] a token has one activity', () => {
    const session = world.makeSession();
    register(1);
    const { id } = register(1, {}, session);
    expect(rows().map((row) => row.id)).toEqual([id]);
  });

  it('[LA3] what another owner has is the same 404, and a device that is no more is told so', () => {
    const theirs = world.device(2, { owner: 'them' });
    const session = world.makeSession('them');
    const { activities } = world.push;
    const code = (run: () => unknown): unknown => {
      try {
        return run();
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const { id } = activities.register('them', theirs.id, { sessionId: session.id, token: token(9) }).activity;
    expect(code(() => register(1, {}, session))).toBe('session-not-found');
    expect(code(() => register(1, {}, world.session, theirs))).toBe('device-not-found');
    expect(code(() => activities.list('me', theirs.id))).toBe('device-not-found');
    expect(code(() => activities.remove('me', theirs.id, id))).toBe('device-not-found');
    expect(code(() => activities.remove('me', device.id, id))).toBe('activity-not-found');
    world.store.devices.update(device.num, { state: 'unregistered' });
    expect(code(() => register(1))).toBe('device-unregistered');
  });

  it('[LA4] a device has a bounded number of them; the oldest makes room', () => {
    for (let number = 1; number <= MOST_ACTIVITIES + 2; number += 1) register(number, {}, world.makeSession());
    expect(rows()).toHaveLength(MOST_ACTIVITIES);
    expect(rows()[0]?.token).toBe(token(3));
  });

  it('[LA9] a newer state takes the place of one that was not sent', async () => {
    register(1);
    await settled();
    world.sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'ServiceUnavailable', retryAfter: 60 } });
    for (const state of ['working', 'paused', 'working', 'ready', 'paused'] as const) {
      move(state);
      await world.until(() => world.store.activities.byNum(rows()[0]?.num ?? 0)?.content?.includes(state === 'ready' ? 'idle' : state));
    }
    expect(world.rows().filter(({ state, activity_num }) => state === 'queued' && activity_num !== null)).toHaveLength(1);
    clock.advance(3_000);
    await world.until(() => sent(1).length === 2);
    await world.until(() => world.rows().some(({ status }) => status === 503));
    move('working');
    await world.until(() => rows()[0]?.content?.includes('working'));
    clock.advance(2 * MINUTE);
    await world.drained();
    expect(states()).toEqual(['idle', 'working']);
    expect(sent(1).map((push) => contentOf(push).state)).toEqual(['idle', 'paused', 'working']);
    expect(new Set(sent(1).map(({ collapseId }) => collapseId)).size).toBe(1);
  });

  it('[LA9] timestamps only grow, also within a second and where the clock is set back a little', async () => {
    register(1);
    await settled();
    for (const id of ['one', 'two', 'three']) {
      ask(id);
      await world.until(() => taken().some((push) => contentOf(push).needs?.id === id));
      world.store.requests.decide(id, 'allow', 'me', clock.now());
      if (id === 'two') clock.setWall(clock.now() - 20_000);
    }
    const stamps = taken().map((push) => Number(payloadOf(push).aps['timestamp']));
    expect(stamps).toHaveLength(4);
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => a - b));
  });

  it('[LA9] one that was under way when a newer one was made is not tried again', async () => {
    register(1);
    await settled();
    world.sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'InternalServerError', delayMs: 50 } });
    move('working');
    await world.until(() => sent(1).length === 2);
    move('paused');
    await world.until(() => rows()[0]?.content?.includes('paused'));
    clock.advance(10_000);
    await world.drained();
    expect(sent(1).map((push) => contentOf(push).state)).toEqual(['idle', 'working', 'paused']);
    expect(world.rows().map(({ state, reason }) => `${state} ${reason}`)).toContain('dropped replaced');
  });

  it('[LA8] a session that asks again and again spends so many urgent pushes in an hour, and the others without haste', async () => {
    register(1);
    await settled();
    for (let count = 0; count < URGENT_PER_HOUR + 5; count += 1) {
      ask(`ask-${count}`);
      await settled();
      world.store.requests.decide(`ask-${count}`, 'allow', 'me', clock.now());
      clock.advance(MINUTE);
    }
    expect(taken().filter(({ priority }) => priority === 10)).toHaveLength(URGENT_PER_HOUR);
    expect(taken().at(-1)).toMatchObject({ priority: 5 });
    expect(contentOf(taken().at(-1) as PushRecord).needs).toMatchObject({ id: `ask-${URGENT_PER_HOUR + 4}` });
  });

  it('[LA11] an idle one ends after half an hour, though nothing happens, and is gone when that has arrived', async () => {
    register(1);
    await settled();
    move('working');
    await settled();
    clock.advance(2 * IDLE_MS);
    await settled();
    expect(states()).toEqual(['idle', 'working']);
    move('dormant');
    await settled();
    clock.advance(IDLE_MS - MINUTE);
    await settled();
    expect(taken().map(eventIn)).toEqual(['update', 'update', 'update']);
    clock.advance(MINUTE);
    await world.until(() => taken().some((push) => eventIn(push) === 'end'));
    expect(states()).toEqual(['idle', 'working', 'idle', 'idle']);
    await world.drained();
    expect(rows()).toEqual([]);
    move('working');
    await settled();
    expect(taken()).toHaveLength(4);
  });

  it('[LA15] at eight hours it is ended, and at twelve it is gone, whether that has arrived or not', async () => {
    register(1);
    await settled();
    move('working');
    await settled();
    world.sandbox.script({ then: { do: 'refuse', reason: 'ServiceUnavailable' } });
    clock.advance(LIFE_MS - MINUTE);
    await world.until(() => rows()[0]?.state === 'active');
    clock.advance(MINUTE);
    await world.until(() => rows()[0]?.state === 'ending');
    expect(world.push.activities.list('me', device.id)).toEqual({ activities: [] });
    clock.advance(AFTERLIFE_MS + MINUTE);
    await world.until(() => rows().length === 0);
    clock.advance(HOUR);
    await world.drained();
    expect(taken()).toHaveLength(2);
  });

  it('[LA15] one that is older than that when a server starts is gone without a word', async () => {
    register(1);
    await settled();
    await world.stop();
    clock.advance(LIFE_MS + AFTERLIFE_MS);
    await world.restart();
    await world.until(() => rows().length === 0);
    await world.drained();
    expect(sent(1)).toHaveLength(1);
  });

  it.each(['Unregistered', 'BadDeviceToken', 'DeviceTokenNotForTopic', 'ExpiredToken'])(
    '[LA13] %s of its token removes it and nothing else',
    async (reason) => {
      const other = world.makeSession();
      register(1);
      register(2, {}, other);
      await settled();
      world.sandbox.script({ when: { token: token(1) }, then: { do: 'refuse', reason } });
      move('working');
      move('working', other);
      await settled();
      expect(rows().map((row) => row.token)).toEqual([token(2)]);
      world.fail('the device is told as before');
      await settled();
      expect(world.taken(1)).toHaveLength(1);
      expect(world.store.devices.byNum(device.num)).toMatchObject({ state: 'active', last_result: 'delivered', failures: 0 });
      expect(states(2)).toEqual(['idle', 'working']);
      expect(world.rows().filter(({ state }) => state === 'failed')).toMatchObject([{ reason }]);
    },
  );

  it('[LA13] a token that was replaced while a push to it was under way takes nothing with it', async () => {
    register(1, { activityId: 'A' });
    await settled();
    world.sandbox.script({ when: { token: token(1) }, then: { do: 'refuse', reason: 'Unregistered', delayMs: 50 } });
    move('working');
    clock.advance(5_000);
    await world.until(() => sent(1).length === 2);
    register(2, { activityId: 'A' });
    await settled();
    expect(rows()).toMatchObject([{ token: token(2), state: 'active' }]);
    expect(states(2)).toEqual(['working']);
  });

  it('[LA4] a device whose own token is no more loses its activities', async () => {
    register(1);
    await settled();
    world.sandbox.script({ when: { token: device.token }, then: { do: 'refuse', reason: 'Unregistered' } });
    world.fail('gone');
    await settled();
    expect(world.store.devices.byNum(device.num)?.state).toBe('unregistered');
    expect(rows()).toEqual([]);
  });

  it('[LA14] where one activity gets too many its newest state waits as told, and nobody else does', async () => {
    const other = world.makeSession();
    register(1);
    register(2, {}, other);
    await settled();
    world.sandbox.script({ when: { token: token(1) }, then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: 600 } });
    move('working');
    await world.until(() => {
      clock.advance(100);
      return sent(1).length === 2 && world.rows().some(({ status }) => status === 429);
    });
    world.sandbox.unscript();
    const refusedAt = clock.now();
    move('paused');
    move('working', other);
    world.fail('the device itself');
    await world.until(() => {
      clock.advance(100);
      return states(2).length === 2 && world.taken(1).length === 1;
    });
    clock.advance(10_000);
    await world.until(() => rows()[0]?.content?.includes('paused'));
    move('waiting');
    await world.until(() => rows()[0]?.content?.includes('waiting'));
    clock.advance(10_000);
    await world.until(() => world.store.outbox.behind().length === 0);
    expect(sent(1)).toHaveLength(2);
    clock.advance(600_000);
    await world.drained();
    expect(states(1)).toEqual(['idle', 'waiting']);
    expect((taken(1).at(-1)?.at ?? 0) - refusedAt).toBeGreaterThan(500_000);
  });

  it('[LA14] where a device gets too many, its live activities do not wait', async () => {
    register(1);
    await settled();
    world.sandbox.script({ when: { token: device.token }, then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: 600 } });
    world.fail('one');
    await world.until(() => world.rows().some(({ status }) => status === 429));
    const waiting = (): number[] =>
      world.rows().flatMap((row) => (row.state === 'queued' && row.activity_num === null ? [row.next_at] : []));
    move('working');
    await world.until(() => rows()[0]?.content?.includes('working'));
    world.fail('two');
    await world.until(() => waiting().length === 2 && waiting().every((at) => at > clock.now() + 300_000));
    clock.advance(10_000);
    await world.until(() => states().length === 2);
    move('paused');
    await world.until(() => rows()[0]?.content?.includes('paused'));
    clock.advance(10_000);
    await world.until(() => states().length === 3);
    expect(states()).toEqual(['idle', 'working', 'paused']);
    expect(waiting()).toHaveLength(2);
  });

  it('[LA16] what changed, ended or was deleted while nobody followed is told at the next start', async () => {
    const [deleted, archived] = [world.makeSession(), world.makeSession()];
    register(1);
    register(2, {}, deleted);
    register(3, {}, archived);
    await settled();
    await world.stop();
    world.store.sessions.update(world.session.num, { state: 'working' });
    world.store.sessions.update(archived.num, { state: 'archived' });
    world.store.sessions.remove(deleted.num);
    await world.restart();
    await world.until(() => [1, 2, 3].every((number) => taken(number).length === 2));
    await world.drained();
    expect(states(1)).toEqual(['idle', 'working']);
    for (const number of [2, 3]) expect(taken(number).map(eventIn)).toEqual(['update', 'end']);
    expect(rows()).toMatchObject([{ token: token(1) }]);
  });

  it('[LA16] an end without an answer is sent again after a restart, as the same push', async () => {
    const { id } = register(1);
    await settled();
    world.sandbox.script({ then: { do: 'silence', taken: false } });
    world.push.activities.remove('me', device.id, id);
    await world.until(() => sent(1).some((push) => eventIn(push) === 'end'));
    await world.stop();
    world.sandbox.unscript();
    await world.restart();
    await settled();
    const ends = sent(1).filter((push) => eventIn(push) === 'end');
    expect(new Set(ends.map(({ apnsId }) => apnsId)).size).toBe(1);
    expect(ends.at(-1)?.outcome.kind).toBe('accepted');
    expect(rows()).toEqual([]);
  });

  it('[LA17] it alerts only where it was asked to, when something needs its owner, and within what is wanted of the device', async () => {
    const quiet = world.device(2, { preferences: JSON.stringify({ level: 'none' }) });
    const plain = world.device(3);
    register(1, { alerts: true });
    register(2, { alerts: true }, world.session, quiet);
    register(3, {}, world.session, plain);
    await settled();
    move('working');
    await settled();
    ask('ask', 'Remove token=abcdefgh12345678?');
    await settled();
    const alerts = [1, 2, 3].map((number) => taken(number).map((push) => payloadOf(push).aps['alert']));
    const alert = { title: 'A project: needs your approval', body: 'Remove token=[masked]', sound: 'default' };
    expect(alerts).toEqual([
      [undefined, undefined, alert],
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
    ]);
  });
});
