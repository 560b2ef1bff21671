import { asObject, isSilent, parsePayload, type JsonObject } from './payload.ts';
import type { PushRecord } from './push-record.ts';

/** A notification on a lock screen. */
export interface ShownNotification {
  /** The push that it shows, and those that it has replaced, by their numbers. */
  n: number;
  replaced: number[];
  at: number;
  apnsId: string;
  collapseId: string | null;
  title: string;
  subtitle: string;
  body: string;
  thread: string;
  category: string;
  interruption: string;
  relevance: number | null;
  sound: boolean;
  payload: JsonObject;
}

/** A push that wakes the app and shows nothing. */
export interface SilentPush {
  n: number;
  at: number;
  payload: JsonObject;
}

/** A live activity as its last push left it: the one with the greatest timestamp, or the one that ended it. */
export interface Activity {
  n: number;
  at: number;
  event: string;
  /** Seconds since 1970; null where the push has none, which iOS would not show. */
  timestamp: number | null;
  contentState: JsonObject;
  /** What it says when it alerts. */
  alert: string | null;
  relevance: number | null;
  /** Milliseconds since 1970. */
  staleAt: number | null;
  dismissedAt: number | null;
}

/** What a phone would show for what reached it. */
export interface Phone {
  token: string;
  /** Newest first. */
  notifications: ShownNotification[];
  /** Newest first. */
  silent: SilentPush[];
  badge: number | null;
  activity: Activity | null;
  /** Pushes that reached it. */
  received: number;
}

const MOST_SECONDS = 8.64e12;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null);
/** Only what a date can be made of: a payload may say anything. */
const fromSeconds = (value: unknown): number | null => (typeof value === 'number' && Math.abs(value) <= MOST_SECONDS ? value * 1000 : null);

/** What an alert says, or null where there is nothing to read. An app's own words, named by `loc-key`, are shown by their names. */
function alertOf(aps: JsonObject): Pick<ShownNotification, 'title' | 'subtitle' | 'body'> | null {
  const alert = asObject(aps['alert']) ?? { body: aps['alert'] };
  const said = {
    title: text(alert['title']) || text(alert['title-loc-key']),
    subtitle: text(alert['subtitle']) || text(alert['subtitle-loc-key']),
    body: text(alert['body']) || text(alert['loc-key']),
  };
  return said.title || said.subtitle || said.body ? said : null;
}

function shown(record: PushRecord, payload: JsonObject, replaced: number[]): ShownNotification | null {
  const aps = asObject(payload['aps']) ?? {};
  const alert = record.pushType === 'background' ? null : alertOf(aps);
  if (alert === null) return null;
  return {
    n: record.n,
    replaced,
    at: record.at,
    apnsId: record.apnsId,
    collapseId: record.collapseId,
    ...alert,
    thread: text(aps['thread-id']),
    category: text(aps['category']),
    interruption: text(aps['interruption-level']) || 'active',
    relevance: numberOrNull(aps['relevance-score']),
    sound: aps['sound'] !== undefined,
    payload,
  };
}

function activityOf(record: PushRecord, payload: JsonObject): Activity {
  const aps = asObject(payload['aps']) ?? {};
  const said = alertOf(aps);
  return {
    n: record.n,
    at: record.at,
    event: text(aps['event']),
    timestamp: numberOrNull(aps['timestamp']),
    alert: said ? [said.title, said.subtitle, said.body].filter((line) => line !== '').join(' – ') : null,
    relevance: numberOrNull(aps['relevance-score']),
    contentState: asObject(aps['content-state']) ?? {},
    staleAt: fromSeconds(aps['stale-date']),
    dismissedAt: fromSeconds(aps['dismissal-date']),
  };
}

/** An activity that has ended shows nothing new, and what comes late changes nothing. */
function newer(before: Activity | null, next: Activity): Activity {
  const isLate = before !== null && (before.event === 'end' || (next.timestamp ?? Infinity) < (before.timestamp ?? -Infinity));
  return isLate ? before : next;
}

/** Shows what reached a phone, given oldest first: a push with the collapse id of an earlier one takes its place, on top. */
export function phoneOf(token: string, taken: readonly PushRecord[]): Phone {
  const notifications = new Map<string, ShownNotification>();
  const phone: Phone = { token, notifications: [], silent: [], badge: null, activity: null, received: taken.length };
  for (const record of taken) {
    const payload = parsePayload(record.body) ?? {};
    const aps = asObject(payload['aps']);
    if (record.pushType === 'liveactivity') {
      // Its alert is the activity's own: there is no notification beside it.
      phone.activity = newer(phone.activity, activityOf(record, payload));
      continue;
    }
    if (typeof aps?.['badge'] === 'number') phone.badge = aps['badge'];
    const key = record.collapseId === null ? `n:${record.n}` : `c:${record.collapseId}`;
    const before = notifications.get(key);
    const replaced = before?.replaced ?? [];
    if (before) replaced.push(before.n);
    const notification = shown(record, payload, replaced);
    if (notification) {
      notifications.delete(key);
      notifications.set(key, notification);
    } else if (record.pushType === 'background' || isSilent(payload)) {
      phone.silent.push({ n: record.n, at: record.at, payload });
    }
  }
  phone.notifications = [...notifications.values()].reverse();
  phone.silent.reverse();
  return phone;
}
