import type { DeliveryView, DeviceView } from '../../contracts/devices.ts';
import { isoTime } from '../../platform/clock.ts';
import type { LoggedDelivery } from '../../storage/deliveries-table.ts';
import type { DeviceRow, DeviceSessionRow } from '../../storage/devices-table.ts';
import { listener, type Level } from './preferences.ts';

const timeOrNull = (milliseconds: number | null): string | null => (milliseconds === null ? null : isoTime(milliseconds));

/** A token as people may see it: enough to tell two apart. */
export function maskedToken(token: string): string {
  return `…${token.slice(-4)}`;
}

/** A device as its owner sees it. `showing`: the session that it proved to show. */
export function deviceView(row: DeviceRow, sessions: readonly DeviceSessionRow[], showing: string | null): DeviceView {
  const { preferences } = listener(row);
  const wishes = sessions.map((wish): [string, DeviceView['preferences']['sessions'][string]] => [
    wish.session_id,
    { level: wish.level as Level | null, mutedUntil: timeOrNull(wish.muted_until) },
  ]);
  return {
    id: row.id,
    name: row.name,
    platform: row.platform,
    environment: row.environment,
    topic: row.topic,
    appVersion: row.app_version,
    token: maskedToken(row.token),
    state: row.state,
    health: {
      lastResult: row.last_result,
      lastResultAt: timeOrNull(row.last_result_at),
      lastDeliveredAt: timeOrNull(row.last_delivered_at),
      failures: row.failures,
    },
    preferences: { ...preferences, mutedUntil: timeOrNull(preferences.mutedUntil), sessions: Object.fromEntries(wishes) },
    showing,
    createdAt: isoTime(row.created_at),
    registeredAt: isoTime(row.registered_at),
  };
}

/** An entry of the delivery log as the owner of its device sees it. */
export function deliveryView(row: LoggedDelivery): DeliveryView {
  return {
    pushId: row.push_id,
    apnsId: row.apns_id,
    kind: row.kind,
    sessionId: row.session_id,
    silent: row.silent === 1,
    state: row.state,
    attempts: row.attempts,
    status: row.status,
    reason: row.reason,
    createdAt: isoTime(row.created_at),
    nextAttemptAt: row.state === 'queued' ? isoTime(row.next_at) : null,
    finishedAt: timeOrNull(row.finished_at),
    receivedAt: timeOrNull(row.received_at),
    openedAt: timeOrNull(row.opened_at),
  };
}
