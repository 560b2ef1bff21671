import type { Clock, Timer } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Store } from '../storage/store.ts';

const SWEEP_MS = 15_000;
const TURNS_PER_SWEEP = 20;

export interface CompactionParts {
  store: Store;
  clock: Clock;
  logger: Logger;
  /** Milliseconds after a turn's end before its deltas go: live readers see every one of them. */
  afterMs: number;
}

/**
 * Removes the deltas of ended turns. Everything that they said stands in the log as whole messages by then: a turn that did not
 * complete ends with what it had said so far, and deltas that a completed turn gave up (a cut connection) were said again.
 */
export class Compaction {
  readonly #parts: CompactionParts;
  #timer: Timer | undefined;

  constructor(parts: CompactionParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.every(SWEEP_MS, () => {
      try {
        this.sweep();
      } catch (error) {
        this.#parts.logger.warn({ error }, 'compaction will be tried again');
      }
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Compacts what is due; returns how many events were removed. */
  sweep(): number {
    const { store, clock, afterMs } = this.#parts;
    return store.transaction(() => {
      let removed = 0;
      for (const turn of store.turns.toCompact(clock.now() - afterMs, TURNS_PER_SWEEP)) {
        const rows = store.events.textOf(turn.session_num, turn.first_seq, turn.last_seq ?? turn.first_seq, turn.id);
        for (const { seq, kind } of rows) {
          if (kind === 'message') continue;
          store.events.remove(turn.session_num, seq);
          removed += 1;
        }
        store.turns.setCompacted(turn.ord);
      }
      return removed;
    });
  }
}
