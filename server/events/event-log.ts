import type { NewEvent } from '../contracts/events.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { noProbe, type Probe } from '../platform/probe.ts';
import type { Store } from '../storage/store.ts';
import { StoredEvent } from './stored-event.ts';

export type Listener = (events: readonly StoredEvent[]) => void;
/** Which session's log an append goes to. */
export interface LogKey {
  num: number;
  id: string;
}
/** Handed to the body of a transaction: gives each event the next `seq`. Returns the first one's seq. */
export type Append = (session: LogKey, events: readonly NewEvent[]) => number;

/** The one way to clients: append, commit, then publish. Nothing is published that is not committed. */
export class EventLog {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #probe: Probe;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #everything = new Set<Listener>();
  readonly #deletions = new Set<(sessionId: string) => void>();

  constructor(parts: { store: Store; clock: Clock; logger: Logger; probe?: Probe }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#probe = parts.probe ?? noProbe;
  }

  /**
   * Runs `body` in one transaction with whatever it appends, and publishes that after the commit. A throw leaves no trace.
   * `settle` comes between the two, so that whoever hears of an event finds what is remembered as the event says.
   */
  transact<T>(body: (append: Append) => T, settle?: (result: T) => void): T {
    const written: StoredEvent[] = [];
    const at = this.#clock.now();
    const result = this.#store.transaction(() => body((session, events) => this.#append(session, events, at, written)));
    settle?.(result);
    if (written.length > 0) {
      this.#probe('committed');
      this.#publish(written);
      this.#probe('published');
    }
    return result;
  }

  #append(session: LogKey, events: readonly NewEvent[], at: number, written: StoredEvent[]): number {
    const table = this.#store.events;
    let seq = table.head(session.num)?.head_seq ?? 0;
    const first = seq + 1;
    for (const event of events) {
      seq += 1;
      const row = { seq, at, kind: event.kind, turn_id: event.turnId ?? null, data: JSON.stringify(event.data) };
      table.insert(session.num, seq, at, row.kind, row.turn_id, row.data);
      written.push(new StoredEvent(session.id, row));
    }
    if (events.length > 0) table.setHead(session.num, seq);
    return first;
  }

  /** Calls the listener with each committed batch of one session, until the returned function is called. */
  subscribe(sessionId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(sessionId) ?? new Set();
    this.#listeners.set(sessionId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(sessionId) === listeners) this.#listeners.delete(sessionId);
    };
  }

  /** Tells whoever listens that a session and its log are gone. */
  deleted(sessionId: string): void {
    for (const listener of this.#deletions) listener(sessionId);
  }

  /** Calls the listener with the id of each session that is deleted. */
  onDeleted(listener: (sessionId: string) => void): () => void {
    this.#deletions.add(listener);
    return () => void this.#deletions.delete(listener);
  }

  /** Like `subscribe`, for every session. */
  subscribeAll(listener: Listener): () => void {
    this.#everything.add(listener);
    return () => void this.#everything.delete(listener);
  }

  /** How many listeners there are: a figure for tests that nothing is left behind. */
  get listenerCount(): number {
    let count = this.#everything.size;
    for (const listeners of this.#listeners.values()) count += listeners.size;
    return count;
  }

  #publish(events: readonly StoredEvent[]): void {
    for (const [sessionId, batch] of Map.groupBy(events, (event) => event.sessionId)) {
      for (const listener of [...(this.#listeners.get(sessionId) ?? []), ...this.#everything]) {
        try {
          listener(batch);
        } catch (error) {
          this.#logger.error({ error, sessionId }, 'a listener of the event log threw');
        }
      }
    }
  }
}
