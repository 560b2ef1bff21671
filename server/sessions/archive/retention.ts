import type { Clock, Timer } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Archivable } from '../../storage/incarnations-table.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { Store } from '../../storage/store.ts';
import type { Archive } from './archive.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** After this long the journal of a process that has ended is packed, whatever becomes of its session. */
const JOURNAL_MS = 7 * DAY_MS;
/** The most of each kind that one run does. */
const MOST_PER_RUN = 50;

export interface RetentionParts {
  store: Store;
  clock: Clock;
  logger: Logger;
  archive: Archive;
  /** Deletes a session with everything that belongs to it. */
  remove: (session: SessionRow) => Promise<void>;
  /** RETENTION_DAYS; 0 keeps everything. */
  days: number;
}

/** What one run did. */
export interface Swept {
  archived: number;
  deleted: number;
  journals: number;
}

/** Once an hour: unused conversations are archived, archived ones deleted after as long again, and old journals packed. */
export class Retention {
  readonly #parts: RetentionParts;
  #timer: Timer | null = null;
  #running: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #packedUpTo: Archivable | null = null;
  #seen: { wall: number; monotonic: number };

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#seen = this.#now();
  }

  start(): void {
    this.#timer = this.#parts.clock.every(HOUR_MS, () => {
      // The next run waits for this one.
      this.#running = this.#running
        .then(() => this.sweep())
        .catch((error: unknown) => this.#parts.logger.warn({ error }, 'retention failed; it runs again'));
    });
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#stopped = true;
    await this.#running;
  }

  /** One run. Right after a jump of the clock nothing is done: an hour later it is right again, or meant. */
  async sweep(): Promise<Swept> {
    const done: Swept = { archived: 0, deleted: 0, journals: 0 };
    const { store, clock, archive, remove, days } = this.#parts;
    if (this.#clockJumped()) return done;
    const now = clock.now();
    if (days > 0) {
      const before = now - days * DAY_MS;
      for (const session of store.sessions.archivedBefore(before, MOST_PER_RUN)) {
        done.deleted += await this.#try(session.id, async () => (await remove(session), true));
      }
      for (const session of store.sessions.unusedSince(before, MOST_PER_RUN)) {
        done.archived += await this.#try(session.id, () => archive.archiveUnused(session));
      }
    }
    const journals = store.incarnations.toArchive(now - JOURNAL_MS, this.#packedUpTo, MOST_PER_RUN);
    // The next run goes on behind these, whatever became of them, and from the beginning after the last.
    this.#packedUpTo = journals.length < MOST_PER_RUN ? null : (journals.at(-1) ?? null);
    for (const { id, session_id } of journals) {
      done.journals += await this.#try(session_id, () => archive.archiveJournal(session_id, id));
    }
    if (done.archived + done.deleted + done.journals > 0) this.#parts.logger.info(done, 'retention');
    return done;
  }

  /** One that fails must not keep the others. */
  async #try(sessionId: string, act: () => Promise<boolean>): Promise<number> {
    if (this.#stopped) return 0;
    try {
      return Number(await act());
    } catch (error) {
      this.#parts.logger.warn({ error, sessionId }, 'retention of a session failed; it is tried again');
      return 0;
    }
  }

  #clockJumped(): boolean {
    const before = this.#seen;
    this.#seen = this.#now();
    return this.#seen.wall - before.wall > this.#seen.monotonic - before.monotonic + HOUR_MS;
  }

  #now(): { wall: number; monotonic: number } {
    return { wall: this.#parts.clock.now(), monotonic: this.#parts.clock.monotonic() };
  }
}
