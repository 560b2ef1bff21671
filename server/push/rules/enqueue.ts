import type { EventKind } from '../../contracts/events.ts';
import { FOREGROUND } from '../../storage/deliveries-table.ts';
import type { BehindRow, NewPush } from '../../storage/outbox-table.ts';
import type { DeviceRow } from '../../storage/devices-table.ts';
import type { Store } from '../../storage/store.ts';
import { syncSubject, type Notification } from './notification.ts';
import { alertPayload, silentPayload } from './payload.ts';
import { audienceOf, listener, weightOf, type Weight } from '../devices/preferences.ts';
import { verdictOf, type PushEvent, type SessionFacts } from './rules.ts';

export interface EnqueueParts {
  store: Store;
  newId: () => string;
  /** Ids of the devices that proved to show a session at this moment. */
  showing: (sessionId: string) => ReadonlySet<string>;
  /** Pushes that nobody needs any more, or for which there is no room. */
  dropped: (count: number) => void;
}

/** Devices that get their rows in one transaction. */
const DEVICES_AT_ONCE = 100;
/** Pushes that wait for one device at most. */
export const MOST_WAITING = 100;
/** Silent pushes that a device gets in an hour; Apple asks for two or three. */
export const SILENT_PER_HOUR = 3;
/** How long a device that shows a session has to prove that it still does, in milliseconds: it is asked every 5 seconds. */
export const PROVE_MS = 10_000;
const HOUR = 3_600_000;

/** Makes rows of the outbox, inside a transaction of the caller's. */
export class Enqueue {
  readonly #parts: EnqueueParts;

  constructor(parts: EnqueueParts) {
    this.#parts = parts;
  }

  /** What an event means for the owner's next devices after `afterDevice`. Gives the last of them; null when there are no more. */
  event(session: BehindRow, event: PushEvent & { seq: number }, afterDevice: number, now: number): number | null {
    const { store } = this.#parts;
    const facts = this.#facts(session.num, event);
    if (!facts) return null;
    const { notification, sync, settles = [] } = verdictOf(event, facts);
    if (afterDevice === 0) for (const subject of settles) store.outbox.settle(session.num, subject);
    const isLate = notification !== undefined && now >= event.at + notification.keepMs;
    if ((notification === undefined && !sync) || isLate) return null;
    const devices = store.devices.active(session.owner, afterDevice, DEVICES_AT_ONCE);
    const weight = weightOf(event.kind);
    const { told, silent, withheld } = this.#audience(session, devices, notification === undefined ? null : weight, now);
    if (notification && told.length + withheld.length > 0) {
      const push = this.#alertOf(session.num, event, notification, now);
      // Where nothing waits there is nothing to replace, and room: for most devices, most of the time.
      const waiting = store.deliveries.waiting(devices[0]?.num ?? 0, devices.at(-1)?.num ?? 0);
      for (const device of told) {
        if (waiting.has(device.num)) this.#insert(push, notification.subject, device, 0, now);
        else this.#add(push, notification.subject, device, 0, now);
      }
      for (const device of withheld) this.#insert(push, notification.subject, device, 0, now, FOREGROUND);
    }
    if (silent.length > 0) this.#sync(session, event.seq, silent, now);
    return devices.length < DEVICES_AT_ONCE ? null : (devices.at(-1)?.num ?? null);
  }

  /** The push that asks for an answer, for these devices too; made now where it never was. */
  request(sessionNum: number, event: PushEvent, to: readonly DeviceRow[], now: number): void {
    const facts = this.#facts(sessionNum, event);
    const notification = facts && verdictOf(event, facts).notification;
    if (!notification) return;
    const known = this.#parts.store.outbox.ofSubject(sessionNum, notification.subject)?.num;
    const push = known ?? this.#insertPush(sessionNum, null, notification, event.at, now);
    for (const device of to) this.#insert(push, notification.subject, device, 0, now);
  }

  /** A push that is about no session, for one device. Returns its id. */
  single(device: DeviceRow, notification: Notification, now: number): string {
    const id = this.#parts.newId();
    const num = this.#insertPush(null, null, notification, now, now, id);
    this.#insert(num, notification.subject, device, 0, now);
    return id;
  }

  #facts(sessionNum: number, { turnId, kind }: PushEvent): SessionFacts | null {
    const { sessions, messages } = this.#parts.store;
    const row = sessions.byNum(sessionNum);
    if (!row) return null;
    const reply = kind === 'turn.completed' && turnId !== null ? (messages.reply(turnId) ?? null) : null;
    return { id: row.id, name: row.name, projectPath: row.project_path, reply };
  }

  /** Who is shown it, whose app is only woken, since it wants to be shown nothing, and who seems to look at the session. */
  #audience(
    session: BehindRow,
    devices: readonly DeviceRow[],
    weight: Weight | null,
    now: number,
  ): Record<'told' | 'silent' | 'withheld', readonly DeviceRow[]> {
    if (weight === null) return { told: [], silent: devices, withheld: [] };
    const { store, showing } = this.#parts;
    const wishes = new Map(store.devices.ofSession(session.num).map((row) => [row.device_num, row]));
    const listeners = devices.map((device) => listener(device, wishes.get(device.num)));
    const { told, left } = audienceOf(weight, listeners, showing(session.id), now);
    const withheld = left.filter(({ why }) => why === 'foreground').map(({ device }) => device);
    const silent = left.filter(({ why }) => why !== 'foreground' && why !== 'unregistered').map(({ device }) => device);
    return { told, silent, withheld };
  }

  #alertOf(sessionNum: number, event: PushEvent & { seq: number }, notification: Notification, now: number): number {
    const known = this.#parts.store.outbox.ofEvent(sessionNum, event.seq, 'alert');
    return known?.num ?? this.#insertPush(sessionNum, event.seq, notification, event.at, now);
  }

  #insertPush(
    sessionNum: number | null,
    seq: number | null,
    about: Notification,
    at: number,
    now: number,
    id = this.#parts.newId(),
  ): number {
    const row: NewPush = {
      ...{ id, session_num: sessionNum, seq, kind: about.kind, subject: about.subject },
      ...{ push_type: 'alert', priority: about.level === 'passive' ? 5 : 10 },
      payload: alertPayload(about, id),
      expires_at: at + about.keepMs,
      created_at: now,
    };
    return this.#parts.store.outbox.insert(row);
  }

  #sync(session: BehindRow, seq: number, devices: readonly DeviceRow[], now: number): void {
    const { store, newId } = this.#parts;
    const subject = syncSubject(session.id);
    const headSeq = store.events.head(session.num)?.head_seq ?? seq;
    let push = store.outbox.ofEvent(session.num, seq, 'background')?.num;
    for (const device of devices) {
      const replaces = store.deliveries.replace(device.num, subject, now, push ?? 0);
      this.#parts.dropped(replaces);
      // One that was never sent has not cost its owner anything.
      if (replaces === 0 && store.deliveries.silentSince(device.num, now - HOUR) >= SILENT_PER_HOUR) continue;
      if (push === undefined) {
        const id = newId();
        push = store.outbox.insert({
          ...{ id, session_num: session.num, seq, kind: 'sync', subject, push_type: 'background', priority: 5 },
          ...{ payload: silentPayload(session.id, headSeq, id), expires_at: now + HOUR, created_at: now },
        });
      }
      this.#insert(push, subject, device, 1, now);
    }
  }

  #insert(push: number, subject: string, device: DeviceRow, silent: 0 | 1, now: number, reason: typeof FOREGROUND | null = null): void {
    const { store, dropped } = this.#parts;
    dropped(store.deliveries.replace(device.num, subject, now, push));
    if (store.deliveries.unsent(device.num) >= MOST_WAITING) {
      const least = store.deliveries.leastNeeded(device.num);
      if (least !== undefined) store.deliveries.finish(least, 'dropped', null, 'no-room', now);
      dropped(1);
    }
    this.#add(push, subject, device, silent, now, reason);
  }

  #add(push: number, subject: string, device: DeviceRow, silent: 0 | 1, now: number, reason: typeof FOREGROUND | null = null): void {
    const { store, newId } = this.#parts;
    store.deliveries.insert({
      ...{ push_num: push, device_num: device.num, apns_id: newId(), subject, silent, reason },
      ...{ next_at: reason === null ? now : now + PROVE_MS, created_at: now },
    });
  }
}

/** The event with which something was asked, from what was kept of the request. */
export function askedEvent(request: { kind: string; asked: string; asked_at: number; turn_id: string | null }): PushEvent {
  const kind: EventKind = request.kind === 'approval' ? 'approval.requested' : 'question.asked';
  return { kind, at: request.asked_at, turnId: request.turn_id, data: JSON.parse(request.asked) as unknown };
}
