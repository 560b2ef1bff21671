import { isoTime, type Clock } from '../platform/clock.ts';
import type { Store } from '../storage/store.ts';
import type { EventLog, LogKey } from './event-log.ts';
import { checkCursor, readPage } from './event-pages.ts';
import type { StoredEvent } from './stored-event.ts';

/** Where a reader's events go. `write` is false when the other side reads too slowly; `drained` then tells when to go on. */
export interface Sink {
  write(event: StoredEvent): boolean;
  notice(kind: 'gap' | 'ahead', json: string): void;
  drained(resume: () => void): void;
}

export interface ReaderParts {
  store: Store;
  log: EventLog;
  clock: Clock;
  /** What a client needs to go on without the events it missed, as JSON. */
  snapshot: (session: LogKey) => unknown;
}

/** `idle` before the start, `behind` while the other side is slow: nothing is buffered for it, the log keeps it all. */
type Phase = { kind: 'idle' } | { kind: 'backfill' } | { kind: 'live'; unsubscribe: () => void } | { kind: 'behind' } | { kind: 'closed' };

/** Events per page while catching up; between pages others get their turn. */
const PAGE = 256;
/** And bytes: about what a sink takes at once, since what it does not take is read again. */
const PAGE_BYTES = 64 * 1024;

/** A cursor over one session's log: backfill from the store, cut over, then follow live; back to the store when its sink is slow. */
export class Reader {
  readonly #parts: ReaderParts;
  readonly #session: LogKey;
  readonly #sink: Sink;
  #cursor: number;
  #phase: Phase = { kind: 'idle' };

  constructor(parts: ReaderParts, session: LogKey, after: number, sink: Sink) {
    this.#parts = parts;
    this.#session = session;
    this.#cursor = after;
    this.#sink = sink;
  }

  get cursor(): number {
    return this.#cursor;
  }

  get phase(): Phase['kind'] {
    return this.#phase.kind;
  }

  /** Begins to read; a cursor that does not fit is told first. Throws `session-not-found`. */
  start(): void {
    const fit = checkCursor(this.#parts.store, this.#session, this.#cursor);
    if (!fit.fits) {
      this.#sink.notice(fit.kind, noticeJson(this.#parts, this.#session, fit.kind, this.#cursor, fit.resumeAt));
      this.#cursor = fit.resumeAt;
    }
    this.#backfill();
  }

  /** Stops for good; nothing is written afterwards. */
  close(): void {
    if (this.#phase.kind === 'live') this.#phase.unsubscribe();
    this.#phase = { kind: 'closed' };
  }

  #backfill(): void {
    this.#phase = { kind: 'backfill' };
    this.#skipForgotten();
    const page = readPage(this.#parts.store, this.#session, this.#cursor, PAGE, PAGE_BYTES);
    if (!this.#deliver(page.events)) return this.#fallBehind();
    this.#cursor = page.cursor;
    // Reading and subscribing happen in one go, so no commit can fall between them.
    if (page.done) this.#goLive();
    else setImmediate(() => this.#phase.kind === 'backfill' && this.#backfill());
  }

  /** What it has not got yet may be forgotten meanwhile: a terminal's oldest output is. */
  #skipForgotten(): void {
    const keptFrom = this.#parts.store.events.head(this.#session.num)?.kept_from ?? 0;
    if (this.#cursor >= keptFrom - 1) return;
    this.#sink.notice('gap', noticeJson(this.#parts, this.#session, 'gap', this.#cursor, keptFrom - 1));
    this.#cursor = keptFrom - 1;
  }

  #goLive(): void {
    const unsubscribe = this.#parts.log.subscribe(this.#session.id, (events) => {
      if (this.#phase.kind !== 'live') return;
      if (!this.#deliver(events)) this.#fallBehind();
    });
    this.#phase = { kind: 'live', unsubscribe };
  }

  /** False as soon as the sink has enough: what was not written comes from the log later. */
  #deliver(events: readonly StoredEvent[]): boolean {
    for (const event of events) {
      if (event.seq <= this.#cursor) continue;
      const more = this.#sink.write(event);
      this.#cursor = event.seq;
      // A write may close its reader.
      if (!more || this.phase === 'closed') return false;
    }
    return true;
  }

  #fallBehind(): void {
    if (this.#phase.kind === 'live') this.#phase.unsubscribe();
    if (this.#phase.kind === 'closed') return;
    this.#phase = { kind: 'behind' };
    this.#sink.drained(() => this.#phase.kind === 'behind' && this.#backfill());
  }
}

/** What a reader is told about its cursor, in the shape of an event of channel `reader`. */
export function noticeJson(
  parts: Pick<ReaderParts, 'clock' | 'snapshot'>,
  session: LogKey,
  kind: 'gap' | 'ahead',
  cursor: number,
  resumeAt: number,
): string {
  const data = kind === 'gap' ? { cursor: resumeAt, snapshot: parts.snapshot(session) } : { cursor: resumeAt };
  return JSON.stringify({ sessionId: session.id, seq: cursor, at: isoTime(parts.clock.now()), channel: 'reader', kind, data });
}
