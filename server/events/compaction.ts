import type { Clock, Timer } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { EventRow } from '../storage/events-table.ts';
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

/** Removes the deltas of ended turns whose whole message stands in the log behind them. */
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
        for (const seq of redundant(rows)) {
          store.events.remove(turn.session_num, seq);
          removed += 1;
        }
        store.turns.setCompacted(turn.ord);
      }
      return removed;
    });
  }
}

/** The deltas whose message follows whole. */
function redundant(rows: readonly EventRow[]): number[] {
  const wholeAt = new Map<string, number>();
  for (const row of rows) if (row.kind === 'message') wholeAt.set(messageIdOf(row), row.seq);
  return rows.filter((row) => row.kind !== 'message' && (wholeAt.get(messageIdOf(row)) ?? 0) > row.seq).map((row) => row.seq);
}

/** The `messageId` in a text, thinking or message event's data. */
export function messageIdOf(row: Pick<EventRow, 'data'>): string {
  return (JSON.parse(row.data) as { messageId: string }).messageId;
}
