import { readKinds } from '../../events/event-pages.ts';
import type { EventLog } from '../../events/event-log.ts';
import type { StoredEvent } from '../../events/stored-event.ts';
import { messageOf, systemCode } from '../../platform/app-error.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { BehindRow } from '../../storage/outbox-table.ts';
import type { Store } from '../../storage/store.ts';
import type { Enqueue } from './enqueue.ts';
import { pushedKinds, type PushEvent } from './rules.ts';

export interface FeedParts {
  store: Store;
  log: EventLog;
  clock: Clock;
  logger: Logger;
  enqueue: Enqueue;
  /** There are new rows. */
  made: () => void;
}

const KINDS: ReadonlySet<string> = new Set(pushedKinds);
const KINDS_JSON = JSON.stringify(pushedKinds);
const RETRY_MS = 5_000;

/**
 * Follows every session's log with a saved cursor, and makes rows of the outbox from it: rows and cursor are one transaction, a part of
 * the devices at a time. What was logged while nobody followed is caught up with at the start.
 */
export class Feed {
  readonly #parts: FeedParts;
  /** Ids of sessions that may have something new. */
  readonly #behind = new Set<string>();
  #leave: (() => void) | null = null;
  #next: NodeJS.Immediate | Timer | null = null;
  #idle: (() => void)[] = [];

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  start(): void {
    const { store, log } = this.#parts;
    this.#leave = log.subscribeAll((events) => {
      const [first] = events;
      if (first && events.some(({ kind }) => KINDS.has(kind))) this.#add(first.sessionId);
    });
    for (const { id } of store.outbox.behind()) this.#add(id);
  }

  stop(): void {
    this.#leave?.();
    this.#behind.clear();
    if (this.#next && 'cancel' in this.#next) this.#next.cancel();
    else if (this.#next) clearImmediate(this.#next);
    this.#next = null;
  }

  /** Resolves when everything that is logged by now has its rows; never, where it is stopped before. */
  caughtUp(): Promise<void> {
    if (this.#behind.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #add(sessionId: string): void {
    this.#behind.add(sessionId);
    this.#next ??= setImmediate(() => this.#work());
  }

  #rest(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** One piece of work; others get their turn between two. */
  #work(): void {
    const { store, clock, logger } = this.#parts;
    this.#next = null;
    const [sessionId] = this.#behind;
    if (sessionId === undefined) return this.#rest();
    try {
      const num = store.sessions.byId(sessionId)?.num;
      const session = num === undefined ? undefined : store.outbox.position(num);
      if (!session || !this.#advance(session)) this.#behind.delete(sessionId);
    } catch (error) {
      // A full disk, most likely: the cursor stands where it stood.
      logger.warn({ error: messageOf(error), sessionId }, 'pushes could not be made; it is tried again');
      this.#next = clock.after(RETRY_MS, () => this.#work());
      return;
    }
    this.#next = setImmediate(() => this.#work());
  }

  /** Handles the next event, or a part of its devices. False when there is none left. */
  #advance(session: BehindRow): boolean {
    const { store, clock, logger, enqueue, made } = this.#parts;
    const { events, cursor, done } = readKinds(store, session, session.pushed_seq, KINDS_JSON);
    const [event] = events;
    if (!event) {
      store.transaction(() => store.outbox.move(session.num, cursor, 0));
      return !done;
    }
    const make = (): void => {
      const last = enqueue.event(session, eventOf(event), session.pushed_device, clock.now());
      if (last === null) store.outbox.move(session.num, event.seq, 0);
      else store.outbox.move(session.num, event.seq - 1, last);
    };
    try {
      store.transaction(make);
    } catch (error) {
      if (isOfStore(error)) throw error;
      logger.error({ error: messageOf(error), sessionId: session.id, seq: event.seq }, 'no push could be made of an event; it is left out');
      store.outbox.move(session.num, event.seq, 0);
    }
    made();
    return true;
  }
}

/** Whether it may go well later: the disk is full, for instance. All else would be the same again, and hold up every session. */
function isOfStore(error: unknown): boolean {
  const code = systemCode(error) ?? '';
  return code.startsWith('SQLITE_') && !code.startsWith('SQLITE_CONSTRAINT');
}

function eventOf({ kind, at, turnId, data, seq }: StoredEvent): PushEvent & { seq: number } {
  return { kind: kind as PushEvent['kind'], at, turnId, data: JSON.parse(data) as unknown, seq };
}
