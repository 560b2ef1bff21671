import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPushSandbox, type PushSandbox } from '../../cli/push-sandbox/push-sandbox.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { alert, deviceToken, Provider, providerToken, topic, type Sent } from './provider.ts';

let clock: FakeClock;
let sandbox: PushSandbox;
let provider: Provider;

async function start(capacity?: number): Promise<void> {
  clock = new FakeClock();
  sandbox = await startPushSandbox({ clock, ...(capacity === undefined ? {} : { capacity }) });
  provider = new Provider(sandbox, providerToken(sandbox, clock.now()));
}
beforeEach(() => start());
afterEach(async () => {
  provider.close();
  await sandbox.close();
});

/** Pushes, a second apart; all of them must be taken. */
async function pushAll(...all: Sent[]): Promise<void> {
  for (const sent of all) {
    expect(await provider.push(sent)).toMatchObject({ status: 200 });
    clock.advance(1000);
  }
}

const collapse = (id: string) => ({ 'apns-collapse-id': id });
const background = { 'apns-push-type': 'background', 'apns-priority': '5' };
const activity = { 'apns-push-type': 'liveactivity', 'apns-topic': `${topic}.push-type.liveactivity` };
const phone = (number = 1) => sandbox.device(deviceToken(number));

describe('records', () => {
  it('[PSB14] has every push in order, with its headers, payload, time, connection and outcome', async () => {
    const id = '123e4567-e89b-12d3-a456-426655440000';
    const headers = {
      'apns-id': id,
      'apns-push-type': 'alert',
      'apns-priority': '5',
      'apns-expiration': '1800000000',
      ...collapse('turn-1'),
    };
    await pushAll({ headers, payload: alert('Ünïcode 🥝') });
    await provider.push({ body: 'no' });
    const [first, second] = sandbox.pushes();
    expect(first).toMatchObject({
      n: 1,
      at: Date.parse('2026-03-01T08:00:00Z'),
      connection: 1,
      token: deviceToken(1),
      apnsId: id,
      topic,
      pushType: 'alert',
      priority: 5,
      expiration: 1_800_000_000,
      collapseId: 'turn-1',
      headers: { ...headers, 'apns-topic': topic },
      body: JSON.stringify(alert('Ünïcode 🥝')),
      outcome: { kind: 'accepted' },
    });
    expect(first?.bytes).toBe(Buffer.byteLength(first?.body ?? ''));
    expect(second).toMatchObject({
      n: 2,
      at: Date.parse('2026-03-01T08:00:01Z'),
      body: 'no',
      outcome: { kind: 'refused', reason: 'PayloadEmpty' },
    });
  });

  it('[PSB15] keeps the newest, and counts the others', async () => {
    provider.close();
    await sandbox.close();
    await start(10);
    await Promise.all(Array.from({ length: 25 }, (_, index) => provider.push({ token: deviceToken(index % 3) })));
    await provider.push({ body: '' });
    expect(sandbox.pushes().map(({ n }) => n)).toEqual([17, 18, 19, 20, 21, 22, 23, 24, 25, 26]);
    expect(sandbox.counts()).toMatchObject({ received: 26, accepted: 25, refused: 1, reasons: { PayloadEmpty: 1 }, forgotten: 16 });
    expect([0, 1, 2].map((number) => phone(number).received)).toEqual([3, 3, 3]);
    await Promise.all(Array.from({ length: 10 }, () => provider.push({ token: deviceToken(9) })));
    expect([0, 1, 2, 9].map((number) => phone(number).received)).toEqual([0, 0, 0, 10]);
  });

  it('[PSB15] keeps little of what is too long', async () => {
    await provider.push({ token: 'a'.repeat(5000), body: 'x'.repeat(40_000), headers: collapse('y'.repeat(5000)) });
    expect(JSON.stringify(sandbox.pushes()).length).toBeLessThan(2000);
  });
});

describe('a phone', () => {
  it('[PSB16] shows alerts, the newest on top, with what belongs to them', async () => {
    const rich = {
      aps: {
        alert: { title: 'Approval', subtitle: 'claude', body: 'rm -rf build?' },
        'thread-id': 's1',
        category: 'APPROVAL',
        'interruption-level': 'time-sensitive',
        'relevance-score': 0.9,
        sound: 'default',
      },
      sessionId: 's1',
    };
    await pushAll({ payload: { aps: { alert: 'Only a body' } } }, { payload: rich }, { token: deviceToken(2) });
    expect(phone().notifications).toMatchObject([
      {
        n: 2,
        title: 'Approval',
        subtitle: 'claude',
        body: 'rm -rf build?',
        thread: 's1',
        category: 'APPROVAL',
        interruption: 'time-sensitive',
        relevance: 0.9,
        sound: true,
        payload: rich,
      },
      { n: 1, title: '', body: 'Only a body', thread: '', interruption: 'active', relevance: null, sound: false },
    ]);
    expect(phone(2).notifications).toHaveLength(1);
  });

  it('[PSB16] shows one notification for a collapse id: the newest, on top', async () => {
    await pushAll(
      { headers: collapse('a'), payload: alert('first') },
      { headers: collapse('b'), payload: alert('other') },
      { payload: alert('without') },
      { headers: collapse('a'), payload: alert('second') },
      { headers: collapse('a'), payload: alert('third') },
      { token: deviceToken(2), headers: collapse('a'), payload: alert("another phone's") },
    );
    expect(phone().notifications.map(({ n, body, replaced }) => [n, body, replaced])).toEqual([
      [5, 'third', [1, 4]],
      [3, 'without', []],
      [2, 'other', []],
    ]);
    expect(phone().received).toBe(5);
    expect(phone(2).notifications).toMatchObject([{ body: "another phone's", replaced: [] }]);
  });

  it('[PSB16] shows nothing for silent pushes, and keeps the badge of the last that sets one', async () => {
    await pushAll(
      { payload: alert('seen', { badge: 2 }) },
      { headers: background, payload: { aps: { 'content-available': 1 }, headSeq: 7 } },
      { payload: { aps: { badge: 5 } } },
      { headers: background, payload: { aps: { alert: 'iOS does not show this' } } },
    );
    expect(phone().notifications.map(({ n }) => n)).toEqual([1]);
    expect(phone().silent).toMatchObject([{ n: 4 }, { n: 2, payload: { headSeq: 7 } }]);
    expect(phone().badge).toBe(5);
  });

  it('[PSB16] shows a live activity as its last push left it', async () => {
    const state = (event: string, step: number, more = {}) => ({ aps: { timestamp: 1, event, 'content-state': { step }, ...more } });
    await pushAll(
      { headers: activity, payload: state('update', 1, { 'stale-date': 1_800_000_000 }) },
      { headers: activity, payload: state('end', 2, { 'dismissal-date': 1_900_000_000 }) },
    );
    expect(phone()).toMatchObject({
      notifications: [],
      activity: { n: 2, event: 'end', contentState: { step: 2 }, staleAt: null, dismissedAt: 1_900_000_000_000 },
    });
  });

  it('[PSB16] shows of a live activity what has the greatest timestamp, its alert as its own, and nothing after its end', async () => {
    const state = (timestamp: number, event: string, step: number, more = {}) => ({
      aps: { timestamp, event, 'content-state': { step }, ...more },
    });
    const alert = { title: 'A project', body: 'Remove it?', sound: 'default' };
    await pushAll(
      { headers: activity, payload: state(20, 'update', 1, { alert, 'relevance-score': 0.9 }) },
      { headers: activity, payload: state(10, 'update', 2) },
    );
    expect(phone()).toMatchObject({
      notifications: [],
      activity: { n: 1, timestamp: 20, contentState: { step: 1 }, alert: 'A project – Remove it?', relevance: 0.9 },
    });
    await pushAll({ headers: activity, payload: state(30, 'end', 3) }, { headers: activity, payload: state(40, 'update', 4) });
    expect(phone().activity).toMatchObject({ n: 3, event: 'end', contentState: { step: 3 }, alert: null });
    expect(phone().received).toBe(4);
  });

  it.each<unknown>([
    { aps: 7 },
    { aps: { alert: 7, badge: 'x', 'thread-id': {}, category: [], 'relevance-score': 'much' } },
    { aps: { alert: { title: null, body: ['x'] } } },
    { alert: 'not in aps' },
    { aps: { 'content-state': 'x', 'stale-date': 1e300, event: 3 } },
  ])('[PSB16] shows nothing for a payload that makes no sense: %j', async (payload) => {
    await pushAll({ payload }, { headers: activity, payload });
    expect(phone()).toMatchObject({ notifications: [], badge: null, activity: { event: '', contentState: {}, staleAt: null } });
  });
});
