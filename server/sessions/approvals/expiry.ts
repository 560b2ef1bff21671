import type { Timer } from '../../platform/clock.ts';
import type { RequestRow } from '../../storage/requests-table.ts';
import type { SessionContext } from '../context.ts';
import type { InteractiveSessionPool } from '../pool/pool.ts';
import { expireRequest } from './decide.ts';

/** An expiry that could not be stored (a full disk) is tried again after this. */
const AGAIN_MS = 30_000;
const telling = new Set(['approval.requested', 'approval.resolved', 'question.asked', 'question.answered']);

/** Denies what nobody decides in time. A timer for each open request: a wall clock that jumps expires nothing while the server runs. */
export class RequestExpiry {
  readonly #context: SessionContext;
  readonly #pool: InteractiveSessionPool;
  /** By session id, then by request id. */
  readonly #timers = new Map<string, Map<string, Timer>>();
  #leave: (() => void)[] = [];

  constructor(context: SessionContext, pool: InteractiveSessionPool) {
    this.#context = context;
    this.#pool = pool;
  }

  /** Begins to watch; resolves when what expired while no server ran is denied. Never rejects. */
  async start(): Promise<void> {
    const { log, store } = this.#context;
    this.#leave = [
      log.subscribeAll((events) => {
        const told = events.find(({ kind }) => telling.has(kind));
        if (told) this.#watch(told.sessionId);
      }),
      log.onDeleted((id) => this.#forget(id)),
    ];
    const overdue: Promise<void>[] = [];
    for (const num of store.requests.expiringSessions()) {
      const session = store.sessions.byNum(num);
      if (!session) continue;
      for (const request of store.requests.open(num)) if (this.#left(request) <= 0) overdue.push(this.#expire(session.id, request.id));
      this.#watch(session.id);
    }
    await Promise.all(overdue);
  }

  stop(): void {
    for (const leave of this.#leave.splice(0)) leave();
    for (const id of [...this.#timers.keys()]) this.#forget(id);
  }

  /** How many requests are watched: a figure for tests that nothing is left behind. */
  get watched(): number {
    return [...this.#timers.values()].reduce((sum, timers) => sum + timers.size, 0);
  }

  /** Brings the timers of a session in step with what is open there. */
  #watch(sessionId: string): void {
    const { store, clock } = this.#context;
    const session = store.sessions.byId(sessionId);
    const open = (session ? store.requests.open(session.num) : []).filter((request) => request.expires_at !== null);
    const before = this.#timers.get(sessionId) ?? new Map<string, Timer>();
    const after = new Map<string, Timer>();
    for (const request of open) {
      const known = before.get(request.id);
      after.set(request.id, known ?? clock.after(this.#left(request), () => void this.#expire(sessionId, request.id)));
    }
    for (const [id, timer] of before) if (!after.has(id)) timer.cancel();
    if (after.size > 0) this.#timers.set(sessionId, after);
    else this.#timers.delete(sessionId);
  }

  /** Milliseconds that are left; never more than it had when it was asked, in case the clock was set back. */
  #left({ expires_at: expiresAt, asked_at: askedAt }: RequestRow): number {
    if (expiresAt === null) return Infinity;
    return Math.max(0, Math.min(expiresAt - this.#context.clock.now(), expiresAt - askedAt));
  }

  async #expire(sessionId: string, requestId: string): Promise<void> {
    const { store, clock, logger } = this.#context;
    const session = store.sessions.byId(sessionId);
    if (!session) return;
    try {
      await this.#pool.load(session).run((cell) => ({ result: undefined, committed: expireRequest(cell, requestId) }));
    } catch (error) {
      logger.warn({ error, sessionId }, 'what nobody decided in time could not be denied; it is tried again');
      // A stopped watch leaves it to the next server.
      if (this.#leave.length > 0)
        this.#timers.get(sessionId)?.set(
          requestId,
          clock.after(AGAIN_MS, () => void this.#expire(sessionId, requestId)),
        );
    }
  }

  #forget(sessionId: string): void {
    for (const timer of this.#timers.get(sessionId)?.values() ?? []) timer.cancel();
    this.#timers.delete(sessionId);
  }
}
