import type { NewEvent } from '../../contracts/events.ts';
import type { Store } from '../../storage/store.ts';

/** Bytes of a terminal's newest events that are kept, and how many come in between two looks. */
const KEPT = 8 * 1024 * 1024;
const LOOK_AFTER = 1024 * 1024;
/** What an event costs beside its data. */
const EACH = 200;

/** Forgets the oldest events of a terminal that prints much, inside the transaction of the newest. Returns what came since the last look. */
export function trimLog(store: Store, num: number, events: readonly NewEvent[], before: number): number {
  const since = events.reduce((sum, event) => sum + EACH + (event.kind === 'output' ? event.data.data.length : 0), before);
  if (since < LOOK_AFTER) return since;
  const last = lastTooOld(store, num);
  if (last !== null) store.events.forgetBefore(num, last + 1);
  return 0;
}

/** The newest event that finds no room; null where all of them do. */
function lastTooOld(store: Store, num: number): number | null {
  let kept = 0;
  for (const { seq, size } of store.events.sizes(num)) {
    kept += size + EACH;
    if (kept > KEPT) return seq;
  }
  return null;
}
