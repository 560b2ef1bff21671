import type { Timer } from '../../platform/clock.ts';
import type { SessionRow, SpareFilter } from '../../storage/sessions-table.ts';
import type { SessionContext } from '../context.ts';
import type { InteractiveSessionPool } from './pool.ts';
import { removeSpare } from './remove-spare.ts';

/** How a project was used lately, which is how it will be used next. */
const RECENT_MS = 24 * 3_600_000;
const MOST_PROJECTS = 5;
const REFILL_AFTER_MS = 2_000;

/** Keeps processes started ahead for recently used projects: WARM_SPARES each, in slots that nobody needs. */
export class Spares {
  readonly #context: SessionContext;
  readonly #pool: InteractiveSessionPool;
  readonly #each: number;
  #timer: Timer | null = null;
  #soon: Timer | null = null;

  constructor(context: SessionContext, pool: InteractiveSessionPool, each: number) {
    this.#context = context;
    this.#pool = pool;
    this.#each = each;
  }

  /** The spare for a new conversation, now an ordinary session; null where there is none. Inside a transaction. */
  take(key: SpareFilter): SessionRow | null {
    if (this.#each === 0) return null;
    const { store } = this.#context;
    const row = store.sessions.spares(key).find((spare) => this.#pool.loaded(spare.id)?.state.kind === 'ready');
    if (!row) return null;
    store.sessions.update(row.num, { spare: 0 });
    return row;
  }

  /** Refills at an interval, since a slot can get free, or a spare die, at any time. */
  start(intervalMs: number): void {
    if (this.#each > 0) this.#timer = this.#context.clock.every(intervalMs, () => this.refill());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#soon?.cancel();
  }

  /** Refills a moment later: a start takes CPU that the answer under way should have. */
  refillSoon(): void {
    if (this.#each === 0 || this.#soon) return;
    this.#soon = this.#context.clock.after(REFILL_AFTER_MS, () => {
      this.#soon = null;
      this.refill();
    });
  }

  /** Starts what is missing, as far as there are free slots. Never throws: what can't be stored now is tried again. */
  refill(): void {
    if (this.#each === 0) return;
    try {
      this.#refill();
    } catch (error) {
      this.#context.logger.warn({ error }, 'no spare could be started');
    }
  }

  #refill(): void {
    const { store, clock } = this.#context;
    for (const key of store.sessions.recentProjects(clock.now() - RECENT_MS, MOST_PROJECTS)) {
      for (let have = store.sessions.spares(key).length; have < this.#each && this.#pool.hasFreeSlot; have += 1) this.#add(key);
    }
  }

  /** After a start of the server: spares that still live are spares again, the others are nothing. */
  recover(): void {
    const { store } = this.#context;
    for (const row of store.sessions.allSpares()) {
      if (!this.#pool.loaded(row.id)?.isLive) removeSpare(this.#context, row.num);
    }
  }

  #add(key: SpareFilter): void {
    const { store, newId, clock } = this.#context;
    const row = store.transaction(() => {
      const inserted = store.sessions.insert({ id: newId(), ...key, name: 'spare', labels: '[]', created_at: clock.now() });
      store.sessions.update(inserted.num, { spare: 1 });
      return { ...inserted, spare: 1 };
    });
    this.#pool.load(row).pump();
  }
}
