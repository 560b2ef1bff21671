import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PatchDevice } from '../../server/contracts/devices.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import type { DeviceOutbox, Receipt } from '../../server/push/devices/device-outbox.ts';
import { Devices } from '../../server/push/devices/devices.ts';
import { Presence } from '../../server/push/devices/presence.ts';
import { openDatabase } from '../../server/storage/database.ts';
import { openStore } from '../../server/storage/store.ts';
import { FakeClock } from '../support/fake-clock.ts';

const token = (name: string): string => Buffer.from(name.padEnd(32, '.')).toString('hex');

/** Devices over a real store in memory, with what they printed and what the outbox was told. */
function bench(max = 100) {
  const clock = new FakeClock();
  const db = openDatabase(':memory:');
  onTestFinished(() => void db.close());
  const store = openStore(db);
  const presence = new Presence(clock);
  const told: Receipt[][] = [];
  const tested: string[] = [];
  const outbox: DeviceOutbox = {
    isSetUp: true,
    enqueueTest: ({ id }) => ({ pushId: `push-${tested.push(id)}` }),
    deliveries: () => [],
    recordReceipts: (_device, receipts) => {
      told.push([...receipts]);
      return { recorded: receipts.length, unknown: 0 };
    },
  };
  const lines: string[] = [];
  const logger = makeLogger('trace', { write: (line: string) => void lines.push(line) });
  const devices = new Devices({ store, clock, logger, newId: randomUUID, presence, outbox, max, environment: 'sandbox' });
  const register = (owner: string, name: string) => devices.register(owner, { token: token(name), platform: 'ios' });
  const session = (owner: string): string => {
    const given = { owner, name: 'n', agent: 'echo', project_path: '/p', mode: 'ask', model: null, labels: '[]' };
    return store.sessions.insert({ ...given, id: randomUUID(), created_at: clock.now() }).id;
  };
  const rows = (): number => db.prepare<[], { n: number }>('SELECT count(*) AS n FROM devices').get()?.n ?? 0;
  return { clock, store, presence, devices, register, session, told, tested, lines, rows };
}
const code = (body: () => unknown): unknown => {
  try {
    return body();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};
const all = { limit: 100, before: undefined };

describe('devices', () => {
  it('[DV1] the same token again brings its one row up to date and keeps what was set', () => {
    const { clock, devices, rows } = bench();
    const first = devices.register('me', { token: token('a'), platform: 'ios', name: 'My phone', appVersion: '1' });
    devices.patch('me', first.device.id, { preferences: { level: 'needs-me' } });
    clock.advance(1_000);
    const again = devices.register('me', { token: token('a'), platform: 'ios', appVersion: '2', environment: 'production' });
    expect([first.created, again.created, rows()]).toEqual([true, false, 1]);
    expect(again.device).toMatchObject({ id: first.device.id, name: 'My phone', appVersion: '2', environment: 'production' });
    expect(again.device.preferences.level).toBe('needs-me');
    expect(again.device.registeredAt > first.device.registeredAt).toBe(true);
  });

  it('[DV2] what another owner has can be neither seen, nor used, nor changed, nor removed', () => {
    const { devices, register, tested, told, store } = bench();
    const { id } = register('me', 'a').device;
    const before = store.devices.byId(id);
    const tries = [
      () => devices.view('you', id),
      () => devices.patch('you', id, { name: 'mine' }),
      () => devices.remove('you', id),
      () => devices.test('you', id),
      () => devices.receipts('you', id, { pushes: [{ id: 'x' }] }),
      () => devices.deliveries('you', id, { limit: 1 }),
      () => devices.find('you', id),
    ];
    expect(tries.map(code)).toEqual(tries.map(() => 'device-not-found'));
    expect(devices.list('you', all).devices).toEqual([]);
    expect([tested, told, store.devices.byId(id)]).toEqual([[], [], before]);
    const session = bench();
    const mine = session.register('me', 'a').device.id;
    const patch = { preferences: { sessions: { [session.session('you')]: { level: 'none' as const } } } };
    expect(code(() => session.devices.patch('me', mine, patch))).toBe('session-not-found');
  });

  it('[DV56] the answer to a message is promised to a device only where it will be pushed', () => {
    const { clock, devices, register, session } = bench();
    const { id } = register('me', 'a').device;
    const [chat, other] = [session('me'), session('me')];
    const can = (owner = 'me'): boolean[] => [chat, other].map((each) => devices.canPush(owner, token('a').toUpperCase(), each));
    expect([can(), can('you'), devices.canPush('me', undefined, chat)]).toEqual([[true, true], [false, false], false]);
    devices.patch('me', id, { preferences: { sessions: { [chat]: { level: 'needs-me' } } } });
    expect(can()).toEqual([false, true]);
    const mutedUntil = new Date(clock.now() + 1_000).toISOString();
    devices.patch('me', id, { preferences: { level: 'none', sessions: { [chat]: { level: 'all' }, [other]: { mutedUntil } } } });
    expect(can()).toEqual([true, false]);
  });

  it('[DV3] a token that another owner had moves to a new row, with nothing of what the first one set', () => {
    const { devices, register, rows } = bench();
    const { id } = register('me', 'a').device;
    devices.patch('me', id, { name: 'Secret name', preferences: { level: 'none' } });
    const moved = register('you', 'a');
    expect(moved.created).toBe(true);
    expect([code(() => devices.view('me', id)), code(() => devices.view('you', id)), rows()]).toEqual([
      'device-not-found',
      'device-not-found',
      1,
    ]);
    expect(moved.device).toMatchObject({ name: 'iPhone or iPad', preferences: { level: 'all' } });
  });

  it('[DV4] a token is in no answer and in no line of the log', () => {
    const { devices, register, session, lines } = bench(1);
    const { id } = register('me', 'a').device;
    const answers = [
      devices.list('me', all),
      devices.view('me', id),
      devices.patch('me', id, { preferences: { sessions: { [session('me')]: { level: 'all' } } } }),
      devices.register('me', { token: token('a'), platform: 'macos' }),
      devices.test('me', id),
    ];
    devices.registerSender('me', token('b'));
    devices.registerSender('me', `${token('c')}!`);
    devices.registerSender('you', token('a'));
    expect(devices.list('you', all).devices[0]?.token).toBe(`…${token('a').slice(-4)}`);
    expect(lines).toHaveLength(2);
    const said = JSON.stringify([answers, lines]);
    for (const name of ['a', 'b', 'c']) expect(said).not.toContain(token(name).slice(0, 60));
  });

  it('[DV5] a message whose sender cannot be registered still goes on', () => {
    const { devices, rows, lines } = bench(1);
    for (const text of ['', 'simulator', token('a').slice(0, 62)]) devices.registerSender('me', text);
    expect(rows()).toBe(0);
    devices.registerSender('me', token('a').toUpperCase());
    devices.registerSender('me', token('a'));
    devices.registerSender('me', token('b'));
    expect(rows()).toBe(1);
    expect(lines.join('')).toContain('too-many-devices');
  });

  it('[DV6] beyond MAX_DEVICES a device is refused, unless one whose token is no more can make room', () => {
    const { devices, register, store, clock, rows } = bench(2);
    const first = register('me', 'a').device;
    register('me', 'b');
    expect(code(() => register('me', 'c'))).toBe('too-many-devices');
    register('you', 'c');
    store.devices.recordResult(devices.find('me', first.id).num, { result: 'Unregistered', at: clock.now(), gone: true });
    register('me', 'd');
    expect(code(() => devices.view('me', first.id))).toBe('device-not-found');
    expect(rows()).toBe(3);
  });

  it('[DV7] a token that the push service no longer knows is shown as such, takes no test, and comes back by registering again', () => {
    const { devices, register, store, clock, tested } = bench();
    const { id } = register('me', 'a').device;
    const { num } = devices.find('me', id);
    store.devices.recordResult(num, { result: 'delivered', at: clock.now() });
    clock.advance(5_000);
    store.devices.recordResult(num, { result: 'TooManyRequests', at: clock.now() });
    store.devices.recordResult(num, { result: 'Unregistered', at: clock.now(), gone: true });
    expect(devices.view('me', id)).toMatchObject({
      state: 'unregistered',
      health: {
        lastResult: 'Unregistered',
        failures: 2,
        lastDeliveredAt: '2026-03-01T08:00:00.000Z',
        lastResultAt: '2026-03-01T08:00:05.000Z',
      },
    });
    expect([code(() => devices.test('me', id)), tested, store.devices.active('me', 0, 10)]).toEqual(['device-unregistered', [], []]);
    register('me', 'a');
    expect(devices.view('me', id)).toMatchObject({ state: 'active', health: { failures: 0 } });
    expect([devices.test('me', id), tested]).toEqual([{ pushId: 'push-1' }, [id]]);
    store.devices.recordResult(num, { result: 'delivered', at: clock.now() });
    expect(devices.view('me', id).health).toMatchObject({ lastResult: 'delivered', failures: 0 });
  });

  it('[DV8] members of a patch that are left out stay, null takes a wish back, and a deleted session leaves none', () => {
    const { devices, register, session, store } = bench();
    const { id } = register('me', 'a').device;
    const [one, two] = [session('me'), session('me')];
    const quietHours = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin', allowTimeSensitive: false };
    const patch = (preferences: unknown): unknown => devices.patch('me', id, PatchDevice.parse({ preferences })).preferences;
    patch({ level: 'needs-me', quietHours, sessions: { [one]: { level: 'none' }, [two]: { mutedUntil: '2026-05-01T00:00:00.000Z' } } });
    expect(patch({ mutedUntil: '2026-04-01T00:00:00.000Z', sessions: { [two]: { level: 'all' } } })).toEqual({
      level: 'needs-me',
      mutedUntil: '2026-04-01T00:00:00.000Z',
      quietHours,
      sessions: { [one]: { level: 'none', mutedUntil: null }, [two]: { level: 'all', mutedUntil: '2026-05-01T00:00:00.000Z' } },
    });
    const num = store.sessions.byId(two)?.num ?? 0;
    store.sessions.remove(num);
    expect(patch({ mutedUntil: null, quietHours: null, sessions: { [one]: null } })).toEqual({
      ...{ level: 'needs-me', mutedUntil: null, quietHours: null, sessions: {} },
    });
  });

  it('[DV8] a patch of which one part is refused changes nothing', () => {
    const { devices, register } = bench();
    const { id } = register('me', 'a').device;
    const before = devices.view('me', id);
    const patch = { name: 'new', preferences: { level: 'none' as const, sessions: { [randomUUID()]: { level: 'all' as const } } } };
    expect(code(() => devices.patch('me', id, patch))).toBe('session-not-found');
    expect(devices.view('me', id)).toEqual(before);
  });

  it('[DV9] a receipt without a time is of now, one from the future too, and opening is receiving', () => {
    const { devices, register, told, clock } = bench();
    const { id } = register('me', 'a').device;
    const now = clock.now();
    devices.receipts('me', id, {
      pushes: [{ id: 'a' }, { id: 'b', receivedAt: '2099-01-01T00:00:00Z' }, { id: 'c', openedAt: '2026-01-01T00:00:00Z' }],
    });
    expect(told).toEqual([
      [
        { id: 'a', receivedAt: now, openedAt: null },
        { id: 'b', receivedAt: now, openedAt: null },
        { id: 'c', receivedAt: Date.parse('2026-01-01T00:00:00Z'), openedAt: Date.parse('2026-01-01T00:00:00Z') },
      ],
    ]);
  });

  it('[DV17] pages of devices have each one once, the latest first', () => {
    const { devices, register } = bench();
    const ids = ['a', 'b', 'c', 'd', 'e'].map((name) => register('me', name).device.id).reverse();
    register('you', 'x');
    const seen: string[] = [];
    for (let before: number | undefined; ;) {
      const page = devices.list('me', { limit: 2, before });
      seen.push(...page.devices.map(({ id }) => id));
      if (page.nextBefore === null) break;
      before = Number(page.nextBefore);
    }
    expect(seen).toEqual(ids);
  });
});
