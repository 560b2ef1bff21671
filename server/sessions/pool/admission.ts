import type { SessionState } from '../session-state.ts';

/** What admission knows about a session that has a process. */
export interface Holder {
  id: string;
  state: SessionState['kind'];
  /** It was started ahead, for a conversation that nobody has begun yet. */
  spare: boolean;
  /** Its process is all there is of it, as with a terminal: it is not ended for another's sake. */
  keeps?: boolean;
  /** Messages that it has not answered. */
  openTurns: number;
  /** Monotonic milliseconds of its last use, or of the last look at it. */
  usedAt: number;
}

/** What the pool has to do now. */
export interface Schedule {
  /** How many of those that wait may start. */
  start: number;
  /** Whom to hibernate to make room, least recently used first, spares before all. */
  evict: string[];
}

/** Whether a process can be ended for another's sake: it has nothing to do and nobody waits for it. */
export function isIdle(holder: Holder): boolean {
  return holder.state === 'ready' && holder.openTurns === 0 && holder.keeps !== true;
}

/** Who may start and who has to go, given the limit now in force and how many wait. */
export function schedule(holders: readonly Holder[], limit: number, waiting: number): Schedule {
  const free = Math.max(0, limit - holders.length);
  const start = Math.min(free, waiting);
  const leaving = holders.filter((holder) => holder.state === 'stopping').length;
  const missing = waiting - start + Math.max(0, holders.length - limit) - leaving;
  const idle = holders.filter(isIdle).sort((a, b) => Number(b.spare) - Number(a.spare) || a.usedAt - b.usedAt);
  return { start, evict: idle.slice(0, Math.max(0, missing)).map(({ id }) => id) };
}

/** Whether one more may join: there is room, somebody can go for it, or the queue has a place. */
export function canJoin(holders: readonly Holder[], limit: number, waiting: number, maxWaiting: number): boolean {
  const free = limit - holders.length - waiting;
  if (free > 0) return true;
  return holders.filter(isIdle).length + free > 0 || waiting < maxWaiting;
}
