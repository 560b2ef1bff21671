import { AppError } from '../../platform/app-error.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import { canJoin, schedule, type Holder } from './admission.ts';
import type { SessionContext } from '../context.ts';
import { removeSpare } from './remove-spare.ts';
import { Session } from '../session.ts';
import type { SessionState } from '../session-state.ts';

/** Seconds after which a client may try again when all slots are taken. */
const RETRY_AFTER = 15;

export interface PoolLimits {
  /** MAX_CONCURRENT_SESSIONS. */
  max: number;
  /** MAX_WAITING. */
  maxWaiting: number;
  /** End each process when its turn has ended: SESSION_MODE=per-message. */
  perMessage: boolean;
}

/** Holds every session that has a process or work to do. A few have a process; the rest wait in turn. */
export class InteractiveSessionPool {
  readonly #context: SessionContext;
  readonly #limits: PoolLimits;
  readonly #sessions = new Map<string, Session>();
  /** Sessions that need a process, in the order in which they came. */
  readonly #waiting = new Set<Session>();
  #effectiveMax: number;
  #limitReason = 'MAX_CONCURRENT_SESSIONS';
  #closing = false;

  constructor(context: SessionContext, limits: PoolLimits) {
    this.#context = context;
    this.#limits = limits;
    this.#effectiveMax = limits.max;
  }

  get max(): number {
    return this.#limits.max;
  }
  /** What the machine allows now: at most `max`. */
  get effectiveMax(): number {
    return this.#effectiveMax;
  }
  /** Which figure sets `effectiveMax`. */
  get limitReason(): string {
    return this.#limitReason;
  }
  /** How many sessions wait for a process. */
  get waiting(): number {
    return this.#waiting.size;
  }
  /** Sessions with a process, including those that start or stop. */
  get live(): Session[] {
    return [...this.#sessions.values()].filter((session) => session.isLive);
  }

  /** Sets how many processes may live now; those beyond it go when they have nothing to do. */
  limitTo(limit: number, reason: string): void {
    const before = this.#effectiveMax;
    this.#effectiveMax = Math.max(1, Math.min(this.#limits.max, limit));
    this.#limitReason = reason;
    if (this.#effectiveMax !== before)
      this.#context.logger.info({ from: before, to: this.#effectiveMax, reason }, 'the limit of live processes changed');
    this.#serve();
  }

  /** The session if it is loaded. */
  loaded(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The session's mailbox, made when there is none yet. */
  load(row: SessionRow, state: SessionState = storedSessionState(row)): Session {
    const loaded = this.#sessions.get(row.id);
    if (loaded) return loaded;
    const hooks = {
      wantsSlot: (wanting: Session) => this.#enqueue(wanting),
      onRest: (resting: Session) => this.#rest(resting),
      onExit: (exited: Session, rests: boolean) => this.#exited(exited, rests),
    };
    const session = new Session(this.#context, row, hooks, state);
    this.#sessions.set(row.id, session);
    return session;
  }

  /** Whether it takes on work. */
  get isOpen(): boolean {
    return !this.#closing;
  }

  /** Ends every process that has nothing to do. */
  endIdle(reason: 'finished'): void {
    for (const session of this.live) if (session.state.kind === 'ready') void session.end({ kind: 'hibernate', reason });
  }

  /** Throws `shutting-down` when the server stops. */
  assertOpen(): void {
    if (this.#closing)
      throw new AppError('shutting-down', 'The server is stopping. Its agents go on; try again in a moment.', { retryAfter: 5 });
  }

  /** Throws `pool-full` when this session would need a slot and cannot even wait for one, `shutting-down` when the server stops. */
  assertRoom(id: string | null): void {
    this.assertOpen();
    const session = id === null ? undefined : this.#sessions.get(id);
    if (session && (session.isLive || this.#waiting.has(session))) return;
    const holders = this.#holders();
    if (canJoin(holders, this.#effectiveMax, this.#waiting.size, this.#limits.maxWaiting)) return;
    const detail = `All ${this.#effectiveMax} processes are at work and ${this.#waiting.size} sessions wait already (MAX_CONCURRENT_SESSIONS, MAX_WAITING). Try again later.`;
    const members = { live: holders.length, max: this.max, effectiveMax: this.#effectiveMax, waiting: this.#waiting.size };
    throw new AppError('pool-full', detail, { retryAfter: RETRY_AFTER, members });
  }

  /** Whether a process could start without another's end. */
  get hasFreeSlot(): boolean {
    return !this.#closing && this.#holders().length + this.#waiting.size < this.#effectiveMax;
  }

  /** Warms a session because its owner looks at it, if that takes no slot from a process at work; a live one goes later. */
  warm(row: SessionRow): void {
    const loaded = this.#sessions.get(row.id);
    loaded?.activity.look();
    // Nobody wants a command run again because they look at what it printed.
    const stays = row.state === 'archived' || row.state === 'failed' || row.terminal !== null;
    if (this.#closing || stays || loaded?.isLive) return;
    if (canJoin(this.#holders(), this.#effectiveMax, this.#waiting.size, 0)) this.load(row).pump();
  }

  /** Lets go of all processes without touching them. */
  async release(): Promise<void> {
    this.#closing = true;
    this.#waiting.clear();
    await Promise.all([...this.#sessions.values()].map((session) => session.release()));
    this.#sessions.clear();
  }

  /** Forgets a session that was deleted. */
  forget(id: string): void {
    const session = this.#sessions.get(id);
    if (session) this.#waiting.delete(session);
    this.#sessions.delete(id);
    this.#serve();
  }

  #enqueue(session: Session): void {
    if (this.#closing || session.isLive) return;
    this.#waiting.add(session);
    this.#serve();
  }

  /** Starts those for whom there is room, and makes room for the others. */
  #serve(): void {
    if (this.#closing) return;
    const { start, evict } = schedule(this.#holders(), this.#effectiveMax, this.#waiting.size);
    for (const session of [...this.#waiting].slice(0, start)) {
      this.#waiting.delete(session);
      session.start();
    }
    for (const id of evict) this.#evict(id);
  }

  #evict(id: string): void {
    const refused = (done: boolean | undefined): void => {
      // It got something to do in the last moment: somebody else has to go.
      if (done === false) this.#serve();
    };
    this.#sessions
      .get(id)
      ?.end({ kind: 'hibernate', reason: 'hibernated' })
      .then(refused, (error: unknown) => this.#context.logger.warn({ error, sessionId: id }, 'hibernation waits'));
  }

  #rest(session: Session): void {
    if (this.#limits.perMessage && session.hasWorked) void session.end({ kind: 'hibernate', reason: 'finished' });
    else if (this.#waiting.size > 0 || this.live.length > this.#effectiveMax) this.#serve();
  }

  #exited(session: Session, rests: boolean): void {
    if (rests) this.#waiting.delete(session);
    if (rests && !session.isLive && this.#sessions.get(session.id) === session) this.#sessions.delete(session.id);
    // A spare without a process is nothing.
    if (this.#isSpare(session)) removeSpare(this.#context, session.num);
    this.#serve();
  }

  /** Only the store knows it: a conversation that takes a spare over does so in a transaction, which may fail. */
  #isSpare(session: Session): boolean {
    return this.#context.store.sessions.byNum(session.num)?.spare === 1;
  }

  #holders(): Holder[] {
    return this.live.map((session) => ({
      id: session.id,
      state: session.state.kind,
      spare: this.#isSpare(session),
      keeps: session.incarnation?.driver.terminal !== undefined,
      openTurns: this.#context.store.turns.openCount(session.num),
      usedAt: session.activity.wantedAt,
    }));
  }
}

/** The state of a session without a process, from its row. */
function storedSessionState(row: SessionRow): SessionState {
  if (row.state === 'archived') return { kind: 'archived' };
  const failure = row.failure === null ? null : (JSON.parse(row.failure) as { code: string; detail: string });
  return row.state === 'failed' && failure ? { kind: 'failed', ...failure } : { kind: 'dormant' };
}
