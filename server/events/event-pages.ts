import { AppError } from '../platform/app-error.ts';
import type { Store } from '../storage/store.ts';
import { StoredEvent } from './stored-event.ts';
import type { LogKey } from './event-log.ts';

/** Bytes of `data` after which a page ends even if it has fewer events than asked for. */
const PAGE_BYTES = 1024 * 1024;

/** What a cursor is to a log. `resumeAt` is the cursor to go on from. */
export type CursorFit = { fits: true } | { fits: false; kind: 'gap' | 'ahead'; resumeAt: number };

/** Compares a cursor with what the log keeps; a session that is gone is `session-not-found`. */
export function checkCursor(store: Store, session: LogKey, cursor: number): CursorFit {
  const head = store.events.head(session.num);
  if (!head) throw new AppError('session-not-found', `There is no session ${session.id}.`);
  const hole = store.events.hole(session.num, cursor);
  if (hole) return { fits: false, kind: 'gap', resumeAt: hole.last_seq };
  if (cursor > head.head_seq) return { fits: false, kind: 'ahead', resumeAt: head.head_seq };
  if (cursor < head.kept_from - 1) return { fits: false, kind: 'gap', resumeAt: head.kept_from - 1 };
  return { fits: true };
}

/** The next events after a cursor: at most `limit`, and about `most` bytes of `data`. `done` says that the log's end was reached. */
export function readPage(
  store: Store,
  session: LogKey,
  after: number,
  limit: number,
  most = PAGE_BYTES,
): { events: StoredEvent[]; cursor: number; done: boolean } {
  const events: StoredEvent[] = [];
  let bytes = 0;
  let done = true;
  for (const row of store.events.rows(session.num, after, limit + 1)) {
    if (events.length === limit || bytes > most) {
      done = false;
      break;
    }
    events.push(new StoredEvent(session.id, row));
    bytes += row.data.length;
  }
  const head = store.events.head(session.num)?.head_seq ?? after;
  // At the end the cursor is the head, not the last event: compaction may have taken events above it.
  return { events, cursor: done ? Math.max(after, head) : (events.at(-1)?.seq ?? after), done };
}

/** Seqs that one look at events of some kinds goes over, whether it finds any or not. */
const SPAN = 1_000;
/** Bytes of `data` that one such look reads: between two looks the server does everything else. */
const SPAN_BYTES = 128 * 1024;

/** The next events of the given kinds (a JSON list), about 128 KiB at most. `cursor` is how far was looked, `done` that the log ends there. */
export function readKinds(
  store: Store,
  session: LogKey,
  after: number,
  kinds: string,
): { events: StoredEvent[]; cursor: number; done: boolean } {
  const head = store.events.head(session.num)?.head_seq ?? after;
  const upTo = Math.min(after + SPAN, head);
  const events: StoredEvent[] = [];
  let bytes = 0;
  for (const row of store.events.ofKinds(session.num, after, upTo, kinds)) {
    const event = new StoredEvent(session.id, row);
    events.push(event);
    bytes += row.data.length;
    if (bytes > SPAN_BYTES) return { events, cursor: event.seq, done: event.seq >= head };
  }
  return { events, cursor: Math.max(after, upTo), done: upTo >= head };
}
