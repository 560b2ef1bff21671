import type { EventKind } from '../../contracts/events.ts';
import type { DeviceRow, DeviceSessionRow } from '../../storage/devices-table.ts';
import { quietAt, type QuietHours } from './quiet-hours.ts';

/** How much a device wants to be told: everything, only what waits for its owner, or nothing. */
export type Level = 'all' | 'needs-me' | 'none';

/** What the owner of a device set for it. Times are milliseconds since 1970. */
export interface Preferences {
  level: Level;
  mutedUntil: number | null;
  quietHours: QuietHours | null;
}
/** The same for one session; null: as for the device. */
export interface SessionPreferences {
  level: Level | null;
  mutedUntil: number | null;
}

export const defaultPreferences: Preferences = { level: 'all', mutedUntil: null, quietHours: null };

/** What something asks of its reader. `news` asks nothing; a time-sensitive one holds up the agent until it is answered. */
export type Weight = { is: 'news' } | { is: 'needs-me'; timeSensitive: boolean };

/** How much an event weighs: approvals, questions and failures need somebody. */
export function weightOf(kind: EventKind): Weight {
  switch (kind) {
    case 'approval.requested':
    case 'question.asked':
      return { is: 'needs-me', timeSensitive: true };
    case 'turn.failed':
    case 'turn.interrupted':
    case 'session.failed':
      return { is: 'needs-me', timeSensitive: false };
    default:
      return { is: 'news' };
  }
}

/** A device as the rules see it. */
export interface Listener {
  device: DeviceRow;
  preferences: Preferences;
  session: SessionPreferences | null;
}

/** A device with what it wants of everything and of one session. */
export function listener(device: DeviceRow, session?: Pick<DeviceSessionRow, 'level' | 'muted_until'>): Listener {
  return {
    device,
    preferences: { ...defaultPreferences, ...(JSON.parse(device.preferences) as Partial<Preferences>) },
    session: session ? { level: session.level as Level | null, mutedUntil: session.muted_until } : null,
  };
}

/** Why a device gets nothing. */
export type Silence = 'unregistered' | 'level' | 'muted' | 'quiet-hours' | 'foreground';

/** Why the wishes of a device keep something from it at a time, null if they don't. Does not know who looks at what. */
export function silenceOf(
  { device, preferences, session }: Listener,
  weight: Weight,
  now: number,
  isQuiet: (hours: QuietHours) => boolean = quietAt(now),
): Silence | null {
  if (device.state !== 'active') return 'unregistered';
  const level = session?.level ?? preferences.level;
  if (level === 'none' || (level === 'needs-me' && weight.is !== 'needs-me')) return 'level';
  if (now < Math.max(preferences.mutedUntil ?? 0, session?.mutedUntil ?? 0)) return 'muted';
  const { quietHours } = preferences;
  const passes = quietHours?.allowTimeSensitive === true && weight.is === 'needs-me' && weight.timeSensitive;
  return quietHours !== null && !passes && isQuiet(quietHours) ? 'quiet-hours' : null;
}

/** Who is told, and who is not for which reason. */
export interface Audience {
  told: DeviceRow[];
  left: { device: DeviceRow; why: Silence }[];
}

/**
 * Who of an owner's devices gets a notification of this weight now. `foreground`: ids of the devices that proved that
 * they show its session at this moment (`Presence.showing`).
 */
export function audienceOf(weight: Weight, listeners: readonly Listener[], foreground: ReadonlySet<string>, now: number): Audience {
  const audience: Audience = { told: [], left: [] };
  const isQuiet = quietAt(now);
  for (const each of listeners) {
    const why = silenceOf(each, weight, now, isQuiet) ?? (foreground.has(each.device.id) ? 'foreground' : null);
    if (why === null) audience.told.push(each.device);
    else audience.left.push({ device: each.device, why });
  }
  return audience;
}
