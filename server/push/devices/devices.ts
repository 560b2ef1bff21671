import { DeviceToken } from '../../contracts/devices.ts';
import type {
  DeliveriesPage,
  DeliveriesQuery,
  DevicesPage,
  DevicesQuery,
  DeviceView,
  PatchDevice,
  Receipts,
  RegisterDevice,
} from '../../contracts/devices.ts';
import { AppError } from '../../platform/app-error.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { DeviceChange, DeviceRow } from '../../storage/devices-table.ts';
import type { Store } from '../../storage/store.ts';
import type { DeviceOutbox } from './device-outbox.ts';
import { deliveryView, deviceView } from './device-view.ts';
import { ownDevice, ownSession } from './own.ts';
import { defaultPreferences, listener, silenceOf, type Preferences } from './preferences.ts';
import type { Presence } from './presence.ts';

export interface DeviceParts {
  store: Store;
  clock: Clock;
  logger: Logger;
  newId: () => string;
  presence: Presence;
  outbox: DeviceOutbox;
  /** Devices that one owner can have. */
  max: number;
  /** That of a device that doesn't say. */
  environment: 'sandbox' | 'production';
}

type SessionWish = NonNullable<NonNullable<NonNullable<PatchDevice['preferences']>['sessions']>[string]>;
export type Registration = Omit<RegisterDevice, 'platform'> & { platform?: RegisterDevice['platform'] };

/** A row that nothing changes is written again only after this time, in milliseconds: an app may register with every message. */
const FRESH_MS = 3_600_000;
const NAMES = { ios: 'iPhone or iPad', macos: 'Mac' } as const;

/** The devices of each owner. What is another owner's is `device-not-found`, like what does not exist. */
export class Devices {
  readonly #parts: DeviceParts;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  /** The row of an owner's device. Throws `device-not-found`. */
  find(owner: string, id: string): DeviceRow {
    return ownDevice(this.#parts.store, owner, id);
  }

  /** Whether the answer to a message from this device will be pushed to it: one that is muted or wants less would wait in vain. */
  canPush(owner: string, deviceToken: string | undefined, sessionId: string): boolean {
    const { outbox, store, clock } = this.#parts;
    const row = deviceToken === undefined || !outbox.isSetUp ? undefined : store.devices.byToken(deviceToken.toLowerCase());
    if (row?.owner !== owner) return false;
    const wish = store.devices.sessionsOf(row.num).find((each) => each.session_id === sessionId);
    return silenceOf(listener(row, wish), { is: 'news' }, clock.now()) === null;
  }

  view(owner: string, id: string): DeviceView {
    return this.#view(this.find(owner, id));
  }

  list(owner: string, { limit, before }: DevicesQuery): DevicesPage {
    const rows = this.#parts.store.devices.page(owner, before ?? Number.MAX_SAFE_INTEGER, limit + 1);
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return { devices: shown.map((row) => this.#view(row)), nextBefore: last ? String(last.num) : null };
  }

  /**
   * One row for each token. A token that another owner had is this one's from now on, on a row of its own: the app on that device is
   * used by somebody else now, who must not be shown the first one's messages. Throws `too-many-devices`.
   */
  register(owner: string, registration: Registration): { device: DeviceView; created: boolean } {
    const { store } = this.#parts;
    const { row, created } = store.transaction(() => {
      const known = store.devices.byToken(registration.token);
      if (known?.owner === owner) return { row: this.#refresh(known, registration), created: false };
      if (known) store.devices.remove(known.num);
      this.#makeRoom(owner);
      return { row: this.#insert(owner, registration), created: true };
    });
    return { device: this.#view(row), created };
  }

  /** Registers the token that came with a message. A text that is no token, or one too many, keeps no message from its agent. */
  registerSender(owner: string, deviceToken: string): void {
    const token = DeviceToken.safeParse(deviceToken);
    if (!token.success) return this.#parts.logger.info('a message came with a device token that is none');
    try {
      this.register(owner, { token: token.data });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#parts.logger.warn({ code: error.code }, 'the device that sent a message was not registered');
    }
  }

  /** Throws `device-not-found` and, for wishes about it, `session-not-found`. */
  patch(owner: string, id: string, { name, environment, preferences }: PatchDevice): DeviceView {
    const { store } = this.#parts;
    return store.transaction(() => {
      const row = this.find(owner, id);
      const { sessions = {}, ...own } = preferences ?? {};
      const change: DeviceChange = {
        ...(name === undefined ? {} : { name }),
        ...(environment === undefined ? {} : { environment }),
        ...(preferences === undefined ? {} : { preferences: JSON.stringify(changed(listener(row).preferences, own)) }),
      };
      store.devices.update(row.num, change);
      for (const [sessionId, wish] of Object.entries(sessions)) this.#wish(row, sessionId, wish);
      return this.view(owner, id);
    });
  }

  remove(owner: string, id: string): void {
    this.#parts.store.devices.remove(this.find(owner, id).num);
  }

  /** Throws `device-unregistered` and `push-not-set-up`. */
  test(owner: string, id: string): { pushId: string } {
    const row = this.find(owner, id);
    if (row.state === 'unregistered')
      throw new AppError('device-unregistered', 'The push service no longer knows this device; its app has to register it again.');
    return this.#parts.outbox.enqueueTest(row);
  }

  deliveries(owner: string, id: string, { before = Number.MAX_SAFE_INTEGER, limit }: DeliveriesQuery): DeliveriesPage {
    const rows = this.#parts.outbox.deliveries(this.find(owner, id), before, limit + 1);
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return { deliveries: shown.map(deliveryView), nextBefore: last ? String(last.num) : null };
  }

  receipts(owner: string, id: string, { pushes }: Receipts): { recorded: number; unknown: number } {
    const now = this.#parts.clock.now();
    // A device's clock may be ahead; nothing is received in the future.
    const time = (text: string | null | undefined): number | null => (text == null ? null : Math.min(Date.parse(text), now));
    const receipts = pushes.map((push) => {
      const openedAt = time(push.openedAt);
      return { id: push.id, receivedAt: time(push.receivedAt) ?? openedAt ?? now, openedAt };
    });
    return this.#parts.outbox.recordReceipts(this.find(owner, id), receipts);
  }

  #insert(owner: string, { token, platform = 'ios', environment, topic, appVersion, name }: Registration): DeviceRow {
    const { store, clock, newId } = this.#parts;
    const now = clock.now();
    return store.devices.insert({
      ...{ id: newId(), owner, token, platform },
      environment: environment ?? this.#parts.environment,
      topic: topic ?? null,
      app_version: appVersion ?? null,
      name: name ?? NAMES[platform],
      preferences: JSON.stringify(defaultPreferences),
      ...{ created_at: now, registered_at: now },
    });
  }

  #refresh(row: DeviceRow, { platform, environment, topic, appVersion, name }: Registration): DeviceRow {
    const { store, clock } = this.#parts;
    const said: DeviceChange = {
      platform: platform ?? row.platform,
      environment: environment ?? row.environment,
      topic: topic ?? row.topic,
      app_version: appVersion ?? row.app_version,
      name: name ?? row.name,
      state: 'active',
    };
    const same = Object.entries(said).every(([member, value]) => row[member as keyof DeviceRow] === value);
    if (same && clock.now() - row.registered_at < FRESH_MS) return row;
    const failures = row.state === 'active' ? row.failures : 0;
    store.devices.update(row.num, { ...said, failures, registered_at: clock.now() });
    return store.devices.byNum(row.num) ?? row;
  }

  /** Devices whose token is no more make room for new ones. */
  #makeRoom(owner: string): void {
    const { store, max } = this.#parts;
    if (store.devices.count(owner) < max) return;
    const gone = store.devices.oldestGone(owner);
    if (gone === undefined) throw new AppError('too-many-devices', `There are ${max} devices already (MAX_DEVICES); remove some first.`);
    store.devices.remove(gone);
  }

  #wish(device: DeviceRow, sessionId: string, wish: SessionWish | null): void {
    const { store } = this.#parts;
    const session = ownSession(store, device.owner, sessionId);
    const before = store.devices.sessionsOf(device.num).find((row) => row.session_num === session.num);
    const level = wish?.level === undefined ? (before?.level ?? null) : wish.level;
    const mutedUntil = wish?.mutedUntil === undefined ? (before?.muted_until ?? null) : timeOf(wish.mutedUntil);
    if (wish === null || (level === null && mutedUntil === null)) store.devices.forgetSession(device.num, session.num);
    else store.devices.setSession(device.num, session.num, level, mutedUntil);
  }

  #view(row: DeviceRow): DeviceView {
    const { store, presence } = this.#parts;
    return deviceView(row, store.devices.sessionsOf(row.num), presence.shownBy(row.id));
  }
}

const timeOf = (text: string | null): number | null => (text === null ? null : Date.parse(text));

function changed(before: Preferences, { level, mutedUntil, quietHours }: NonNullable<PatchDevice['preferences']>): Preferences {
  return {
    level: level ?? before.level,
    mutedUntil: mutedUntil === undefined ? before.mutedUntil : timeOf(mutedUntil),
    quietHours: quietHours === undefined ? before.quietHours : quietHours,
  };
}
