import type { ActivitiesView, ActivityView, RegisterActivity } from '../../contracts/activities.ts';
import type { EventLog } from '../../events/event-log.ts';
import { AppError } from '../../platform/app-error.ts';
import { isoTime, type Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ActivityRow } from '../../storage/activities-table.ts';
import { maskedToken } from '../devices/device-view.ts';
import { ownDevice, ownSession } from '../devices/own.ts';
import { contentOf, NOTHING } from './content.ts';
import { factsOf } from './facts.ts';
import { Follow } from './follow.ts';
import { LIFE_MS } from './rules.ts';
import { contentIn, Tell, type TellParts } from './tell.ts';

export interface ActivitiesParts extends TellParts {
  log: EventLog;
  clock: Clock;
  logger: Logger;
  /** There are new rows in the outbox. */
  made: () => void;
}

/** Activities that a device can have; iOS shows some five of an app. The oldest makes room. */
export const MOST_ACTIVITIES = 20;

/** The live activities on each owner's lock screens, kept up to date with their sessions. */
export class Activities {
  readonly #parts: ActivitiesParts;
  readonly #tell: Tell;
  readonly #follow: Follow;

  constructor(parts: ActivitiesParts) {
    this.#parts = parts;
    this.#tell = new Tell(parts);
    this.#follow = new Follow({ ...parts, tell: this.#tell });
  }

  start(): void {
    this.#follow.start();
  }

  stop(): void {
    this.#follow.stop();
  }

  /**
   * One activity for each session on a device; it is told what is so. Throws `device-not-found`, `session-not-found`, `session-archived`
   * and `device-unregistered`.
   */
  register(owner: string, deviceId: string, asked: RegisterActivity): { activity: ActivityView; created: boolean } {
    const { store, clock, made } = this.#parts;
    const now = clock.now();
    const registered = store.transaction(() => {
      const device = ownDevice(store, owner, deviceId);
      const session = ownSession(store, owner, asked.sessionId);
      if (session.state === 'archived') throw new AppError('session-archived', 'This session is archived: nothing will happen in it.');
      if (device.state === 'unregistered')
        throw new AppError('device-unregistered', 'The push service no longer knows this device; its app has to register it again.');
      const known = store.activities.ofDevice(device.num).find(({ session_num }) => session_num === session.num);
      const other = store.activities.byToken(asked.token);
      if (other && other.num !== known?.num) store.activities.remove(other.num);
      const num = known ? this.#refresh(known, asked, now) : this.#insert(device.num, session.num, asked, now);
      const row = store.activities.byNum(num);
      if (row) this.#tell.state(row, now);
      return { num, created: !known || known.state === 'ending' };
    });
    made();
    return { activity: this.#view(this.#row(registered.num), asked.sessionId), created: registered.created };
  }

  list(owner: string, deviceId: string): ActivitiesView {
    const { store } = this.#parts;
    return { activities: this.#active(ownDevice(store, owner, deviceId).num).map(([row, id]) => this.#view(row, id)) };
  }

  /** Takes it off the lock screen. `id`: ours, or the app's. Throws `device-not-found` and `activity-not-found`. Returns our id. */
  remove(owner: string, deviceId: string, id: string): string {
    const { store, clock, made } = this.#parts;
    const device = ownDevice(store, owner, deviceId);
    const [found] = this.#active(device.num).find(([row]) => row.id === id || row.app_id?.toLowerCase() === id) ?? [];
    if (!found) throw new AppError('activity-not-found', 'There is no such live activity on this device.');
    store.transaction(() => this.#tell.end(found, 'removed', clock.now()));
    made();
    return found.id;
  }

  /** Those of a device that are kept up to date, each with the id of its session. */
  #active(deviceNum: number): [ActivityRow, string][] {
    const { store } = this.#parts;
    return store.activities.ofDevice(deviceNum).flatMap((row): [ActivityRow, string][] => {
      const session = row.session_num === null || row.state === 'ending' ? undefined : store.sessions.byNum(row.session_num);
      return session ? [[row, session.id]] : [];
    });
  }

  #insert(deviceNum: number, sessionNum: number, { token, activityId, alerts }: RegisterActivity, now: number): number {
    const { store, newId } = this.#parts;
    for (const old of store.activities.ofDevice(deviceNum).slice(MOST_ACTIVITIES - 1)) store.activities.remove(old.num);
    return store.activities.insert({
      ...{ id: newId(), device_num: deviceNum, session_num: sessionNum, token, app_id: activityId ?? null, alerts: alerts ? 1 : 0 },
      ...{ changed_at: now, look_at: now + LIFE_MS, created_at: now, registered_at: now },
    }).num;
  }

  /** Tokens change while an activity lives. One with another id, or with another token and no id, is another activity. */
  #refresh(known: ActivityRow, { token, activityId, alerts }: RegisterActivity, now: number): number {
    const sameToken = known.token === token;
    const sameId = activityId != null && activityId.toLowerCase() === known.app_id?.toLowerCase();
    const isNew = known.state === 'ending' || !(sameToken || sameId);
    this.#parts.store.activities.update(known.num, {
      ...{ token, app_id: activityId ?? (isNew ? null : known.app_id) },
      alerts: alerts == null ? known.alerts : Number(alerts),
      ...(isNew ? { state: 'active', created_at: now, look_at: now + LIFE_MS } : {}),
      // What went to the old token may not have arrived.
      ...(isNew || !sameToken ? { content: null, hold_until: 0, registered_at: now } : {}),
    });
    return known.num;
  }

  #row(num: number): ActivityRow {
    const row = this.#parts.store.activities.byNum(num);
    if (!row) throw new AppError('activity-not-found', 'The live activity was removed meanwhile.');
    return row;
  }

  #view(row: ActivityRow, sessionId: string): ActivityView {
    const { store } = this.#parts;
    const facts = row.session_num === null ? null : factsOf(store, row.session_num);
    return {
      ...{ id: row.id, sessionId, activityId: row.app_id, token: maskedToken(row.token), alerts: row.alerts === 1 },
      content: contentIn(row) ?? (facts ? contentOf(facts) : NOTHING),
      createdAt: isoTime(row.created_at),
      registeredAt: isoTime(row.registered_at),
      endsAt: isoTime(row.created_at + LIFE_MS),
    };
  }
}
