import type { ActivityContent } from '../../contracts/activities.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** iOS ends a live activity after so long, and shows its last state for a while longer. */
export const LIFE_MS = 8 * HOUR;
export const AFTERLIFE_MS = 4 * HOUR;
/** A session that has nothing to do for so long needs no place on a lock screen. */
export const IDLE_MS = 30 * MINUTE;
/** What ended stays in sight for so long. */
export const LINGER_MS = 15 * MINUTE;
/** A turn of which nothing was heard for so long may have ended without our word. */
export const STALE_MS = 2 * HOUR;
/** The end of an idle one is due before it is stale. */
const IDLE_GRACE_MS = 5 * MINUTE;

/** Urgent pushes in an hour: Apple has a budget for them, and says nothing of its size. */
export const URGENT_PER_HOUR = 20;
/** Others wait so long for the next state, of which many follow at once, and are so far apart. */
export const SETTLE_MS = 1_000;
export const APART_MS = 3_000;

/** A live activity as the rules see it. Times are milliseconds since 1970. */
export interface ActivitySeen {
  /** What it was told last; null: nothing yet. */
  content: ActivityContent | null;
  /** Since when that is so. */
  changedAt: number;
  createdAt: number;
}

export type Ending = 'archived' | 'deleted' | 'idle' | 'too-old' | 'removed';

/** What to tell a live activity. `lookAt`: when to ask again, though nothing happens. */
export type ActivityStep =
  | { is: 'same'; lookAt: number }
  | { is: 'update'; urgent: boolean; staleAt: number; lookAt: number; changedAt: number }
  | { is: 'end'; why: Ending; dismissAt: number };

/** What a state of a session means for one of its live activities. Pure. */
export function stepOf(seen: ActivitySeen, content: ActivityContent, now: number): ActivityStep {
  if (content.state === 'ended') return endOf('archived', now);
  const endsAt = seen.createdAt + LIFE_MS;
  if (now >= endsAt) return endOf('too-old', now);
  const isSame = seen.content !== null && tells(seen.content) === tells(content);
  const changedAt = isSame ? seen.changedAt : now;
  const idleUntil = content.state === 'idle' || content.state === 'failed' ? changedAt + IDLE_MS : Infinity;
  if (now >= idleUntil) return endOf('idle', now);
  const lookAt = Math.min(endsAt, idleUntil);
  if (isSame) return { is: 'same', lookAt };
  const staleAt = Math.min(endsAt, staleOf(content, idleUntil, now));
  return { is: 'update', urgent: isUrgent(seen.content, content), staleAt, lookAt, changedAt };
}

/** How an activity ends. What was taken away by its owner goes at once, what ended by itself stays in sight for a while. */
export function endOf(why: Ending, now: number): Extract<ActivityStep, { is: 'end' }> {
  const linger = { archived: LINGER_MS, idle: LINGER_MS, 'too-old': AFTERLIFE_MS, deleted: 0, removed: 0 }[why];
  return { is: 'end', why, dismissAt: now + linger };
}

/** What an activity shows at its end: one that is idle stays as it was, of the others nothing goes on. */
export function lastContent(why: Ending, content: ActivityContent): ActivityContent {
  return why === 'idle' ? content : { ...content, state: 'ended', needs: null };
}

/** All of a content but the newest `seq`: with that alone there is nothing new to show. */
function tells(content: ActivityContent): string {
  return JSON.stringify({ ...content, headSeq: 0 });
}

function staleOf({ state, needs }: ActivityContent, idleUntil: number, now: number): number {
  if (state === 'idle' || state === 'failed') return idleUntil + IDLE_GRACE_MS;
  if (state === 'starting' || state === 'working') return now + STALE_MS;
  return needs?.expiresAt == null ? Infinity : Math.max(now + MINUTE, needs.expiresAt * 1_000);
}

/** What its owner waits for: something new to decide, and how a turn or a start went. What the owner did is no news to them. */
function isUrgent(before: ActivityContent | null, { state, turn, needs }: ActivityContent): boolean {
  if (before === null) return needs !== null;
  if (needs !== null && needs.id !== before.needs?.id) return true;
  if (state === 'failed' && before.state !== 'failed') return true;
  const isOver = turn !== null && turn.state !== 'running' && turn.state !== 'cancelled';
  return isOver && (turn.id !== before.turn?.id || before.turn.state === 'running');
}

/** How much one activity matters beside others of the app: the system shows the greatest first. */
export function relevanceOf({ state }: ActivityContent): number {
  return { waiting: 1, failed: 0.8, working: 0.6, starting: 0.6, paused: 0.4, idle: 0.3, ended: 0 }[state];
}

/** When a push may leave. Urgent ones go at once, but for a bounded number of times; the others are settled and apart. */
export function timingOf(urgent: boolean, sent: { urgent: number; last: number }, now: number): { priority: 5 | 10; at: number } {
  if (urgent && sent.urgent < URGENT_PER_HOUR) return { priority: 10, at: now };
  // A clock that was set back holds nothing for longer than it would have.
  return { priority: 5, at: Math.max(now + SETTLE_MS, Math.min(sent.last, now) + APART_MS) };
}
