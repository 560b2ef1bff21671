import { randomUUID } from 'node:crypto';
import type { NewEvent } from '../../server/contracts/events.ts';
import { Compaction } from '../../server/events/compaction.ts';
import { EventLog, type LogKey } from '../../server/events/event-log.ts';
import { Reader, type Sink } from '../../server/events/reader.ts';
import type { StoredEvent } from '../../server/events/stored-event.ts';
import type { Clock } from '../../server/platform/clock.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { openDatabase } from '../../server/storage/database.ts';
import { openStore } from '../../server/storage/store.ts';

/** A sink that takes as many events as it is told to, and then reads nothing until it is told to again. */
export class TestSink implements Sink {
  readonly seen: StoredEvent[] = [];
  readonly notices: { kind: string; json: string }[] = [];
  /** Events that it still takes before it is slow. */
  room = Number.POSITIVE_INFINITY;
  onWrite: (() => void) | undefined;
  #resume: (() => void) | null = null;

  write(event: StoredEvent): boolean {
    this.seen.push(event);
    this.room -= 1;
    this.onWrite?.();
    return this.room > 0;
  }

  notice(kind: 'gap' | 'ahead', json: string): void {
    this.notices.push({ kind, json });
  }

  drained(resume: () => void): void {
    this.#resume = resume;
  }

  get isWaiting(): boolean {
    return this.#resume !== null;
  }

  /** Reads on, for this many more events. */
  readOn(room = Number.POSITIVE_INFINITY): void {
    this.room = room;
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }
}

/** The real log over a real store in memory, with one session and a clock that stands still until it is moved. */
export class LogUnderTest {
  readonly store = openStore(openDatabase(':memory:'));
  time = Date.parse('2026-01-01T00:00:00Z');
  readonly #clock: Clock = {
    now: () => this.time,
    monotonic: () => this.time,
    after: () => ({ cancel: () => undefined }),
    every: () => ({ cancel: () => undefined }),
  };
  readonly #logger = makeLogger('silent');
  readonly log = new EventLog({ store: this.store, clock: this.#clock, logger: this.#logger });
  readonly compaction = new Compaction({ store: this.store, clock: this.#clock, logger: this.#logger, afterMs: 60_000 });
  readonly session: LogKey;

  constructor() {
    const row = { id: randomUUID(), owner: 'owner', name: 'Test', agent: 'echo', project_path: '/p', mode: 'ask', model: null };
    const { num, id } = this.store.sessions.insert({ ...row, labels: '[]', created_at: this.time });
    this.session = { num, id };
  }

  get head(): number {
    return this.store.events.head(this.session.num)?.head_seq ?? 0;
  }

  /** Appends events in one transaction. */
  append(events: readonly NewEvent[]): void {
    this.log.transact((append) => append(this.session, events));
  }

  /** So many events of no meaning. */
  add(count: number): void {
    this.append(Array.from({ length: count }, () => ({ channel: 'agent', kind: 'unknown', data: { line: `line after ${this.head}` } })));
  }

  /** A whole turn: so many deltas, their message, and the end. Returns its id. */
  turn(deltas: number): string {
    const turnId = randomUUID();
    const messageId = randomUUID();
    this.append([{ channel: 'turn', kind: 'turn.accepted', turnId, data: { text: 'hi', position: 0, attachments: [] } }]);
    this.store.turns.insert(turnId, this.session.num, '{}', this.head, this.time);
    for (let index = 0; index < deltas; index++)
      this.append([{ channel: 'agent', kind: 'text', turnId, data: { messageId, delta: `w${index} ` } }]);
    const text = Array.from({ length: deltas }, (_unused, index) => `w${index} `).join('');
    this.append([{ channel: 'agent', kind: 'message', turnId, data: { messageId, role: 'assistant', text, blocks: [] } }]);
    this.append([{ channel: 'turn', kind: 'turn.cancelled', turnId, data: {} }]);
    this.store.turns.end(turnId, 'cancelled', '{}', this.head, this.time);
    return turnId;
  }

  reader(after: number, sink: Sink): Reader {
    const parts = { store: this.store, log: this.log, clock: this.#clock, snapshot: () => ({ state: 'ready' }) };
    return new Reader(parts, this.session, after, sink);
  }
}

/** Lets a reader that reads page by page come to its end. */
export async function pages(reader: Reader): Promise<void> {
  while (reader.phase === 'backfill') await new Promise((resolve) => setImmediate(resolve));
}
