import PQueue from 'p-queue';
import type { ExitReason } from '../contracts/events.ts';
import { isDiskFull, messageOf } from '../platform/app-error.ts';
import type { Timer } from '../platform/clock.ts';
import type { SessionRow } from '../storage/sessions-table.ts';
import { requestCancel } from './cancel.ts';
import type { Cell, Committed } from './cell.ts';
import { commit } from './cell.ts';
import type { SessionContext } from './context.ts';
import type { RequestDecision } from './decide.ts';
import { decideRequest } from './decide.ts';
import { canDispatch, dispatchNext, markWritten } from './dispatch.ts';
import { finishIncarnation } from './finish-incarnation.ts';
import type { Batch, IncarnationParts, PendingLine } from './incarnation.ts';
import { Incarnation } from './incarnation.ts';
import { ingest } from './ingest.ts';
import type { OpenTurn } from './open-turn.ts';
import { afterExit, afterStartFailure } from './restart-policy.ts';
import type { SessionEffect, SessionState } from './session-state.ts';
import { isLive, transition } from './session-state.ts';
import { recordHibernation, recordStop } from './record-stop.ts';
import { startIncarnation } from './start-incarnation.ts';

/** What a session tells its pool. */
export interface SessionHooks {
  /** Its process ended and nothing is left to do. */
  onIdle: (session: Session) => void;
  /** Whether it may start a process now. */
  hasRoom: () => boolean;
}

/** How long an agent may take to end, in milliseconds: after end of input, and after TERM. */
const GRACE = { eof: 5_000, term: 3_000 };
const BUSY_GRACE = { eof: 200, term: 3_000 };
const RETRY_MS = 1_000;
/** Bytes of `out` after which an idle process is ended and woken on a fresh journal. */
const MOST_SPOOLED = 64 * 1024 * 1024;

/** A session's mailbox: one job at a time, each a committed step. The only owner of its process. */
export class Session {
  readonly #cell: Cell;
  readonly #hooks: SessionHooks;
  readonly #mailbox = new PQueue({ concurrency: 1 });
  /** Ends in a row without a completed turn between them. */
  #failures = 0;
  #retry: Timer | null = null;
  #exitWaiters: (() => void)[] = [];
  #closed = false;

  constructor(context: SessionContext, row: SessionRow, hooks: SessionHooks, state: SessionState) {
    this.#cell = { context, key: { num: row.num, id: row.id }, state, turn: null, incarnation: null };
    this.#hooks = hooks;
  }

  get id(): string {
    return this.#cell.key.id;
  }
  get state(): SessionState {
    return this.#cell.state;
  }
  get turn(): OpenTurn | null {
    return this.#cell.turn;
  }
  get incarnation(): Incarnation | null {
    return this.#cell.incarnation;
  }
  get isLive(): boolean {
    return isLive(this.#cell.state);
  }

  /** Starts a process if there is none. Takes the pool's slot at once. */
  start(): void {
    this.#retry?.cancel();
    this.#retry = null;
    const { state, effects } = transition(this.#cell.state, { kind: 'start' });
    this.#cell.state = state;
    this.#run(effects);
  }

  /** Hands the next waiting message to the agent as soon as that is possible. */
  pump(): void {
    if (this.isLive) this.#work('dispatch', () => this.#dispatch());
    else if (this.#retry === null) {
      this.#failures = 0;
      this.start();
    }
  }

  /** Takes over a process that outlived the server before this one, in the given state. */
  adopt(parts: IncarnationParts, state: SessionState, turn: OpenTurn | null): Incarnation {
    this.#cell.state = state;
    this.#cell.turn = turn;
    return this.#attach(parts);
  }

  /** Writes lines that were recorded before, each marked when it stands in `in`. */
  write(lines: readonly PendingLine[]): void {
    const incarnation = this.#cell.incarnation;
    if (!incarnation) return;
    for (const line of lines) {
      incarnation.write(line).then(
        () => {
          if (line.turnId !== undefined) this.#cell.context.probe('written');
          this.#work('mark', () => markWritten(this.#cell, incarnation, line));
        },
        (error: unknown) => this.#cell.context.logger.debug({ error, sessionId: this.id }, 'a line was not written: its process ended'),
      );
    }
  }

  /** Lines that a repair has put into `in`. */
  markRepaired(lines: readonly PendingLine[]): void {
    const incarnation = this.#cell.incarnation;
    if (incarnation) for (const line of lines) this.#work('mark', () => markWritten(this.#cell, incarnation, line));
  }

  /** The process was gone before this server came: reads what it left and records its end. */
  async concludeLost(reason: 'lost' | 'start-failed'): Promise<void> {
    const incarnation = this.#cell.incarnation;
    if (incarnation) await this.#gone(incarnation, reason);
    await this.settled();
  }

  /** Like `pump`, and waits for a slot where there is none. */
  pumpWhenRoom(): void {
    if (this.#hooks.hasRoom()) this.pump();
    else this.#plan({ kind: 'restart', afterMs: RETRY_MS });
  }

  /** Cancels a turn: the one that runs, or one that waits. Throws `nothing-to-cancel`. */
  cancel(turnId?: string): Promise<void> {
    return this.#job(() => this.#take(requestCancel(this.#cell, turnId)));
  }

  /** Allows, denies or answers what the agent asked. Throws `approval-not-found`, `question-not-found`, `already-decided`. */
  decide(decision: RequestDecision): Promise<void> {
    return this.#job(() => this.#take(decideRequest(this.#cell, decision)));
  }

  /** Ends the process; messages that wait are cancelled. Resolves when the end is recorded. */
  async stop(reason: ExitReason): Promise<void> {
    this.#retry?.cancel();
    this.#retry = null;
    // Wrapped, so that the mailbox does not wait for the end: that is recorded by a later job.
    const { ended } = await this.#job(() => ({ ended: this.#stop(reason) }));
    await ended;
  }

  /** Resolves when the jobs that are in the mailbox now have run. */
  settled(): Promise<void> {
    return this.#job(() => undefined);
  }

  /** Lets go of the process without touching it: the next server goes on with it. */
  async release(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    this.#mailbox.clear();
    await this.#mailbox.onIdle();
    this.#cell.incarnation?.close();
  }

  async #launch(): Promise<void> {
    const { context, key } = this.#cell;
    const row = context.store.sessions.byNum(key.num);
    if (!row || this.#cell.state.kind !== 'starting' || this.#cell.incarnation) return;
    const agent = context.agents.get(row.agent);
    const missing = { ok: false as const, incarnationId: null, code: 'agent-unknown', detail: `There is no agent ${row.agent}.` };
    const result = agent ? await this.#tryStart(() => startIncarnation(context, row, agent)) : missing;
    if (!result.ok || !agent) {
      if (!result.ok) this.#plan(afterStartFailure(this.#cell, { ...result, failures: ++this.#failures }));
      return;
    }
    const { lines, ...started } = result.started;
    const place = { outOffset: 0, skipping: false, mode: row.mode, model: row.model, clock: context.clock };
    this.#attach({ ...started, ...place, driver: agent.driver });
    this.write(lines);
    if (canDispatch(this.#cell)) await this.#dispatch();
  }

  async #tryStart<T>(start: () => Promise<T>): Promise<T | { ok: false; incarnationId: null; code: string; detail: string }> {
    try {
      return await start();
    } catch (error) {
      return { ok: false, incarnationId: null, code: isDiskFull(error) ? 'disk-full' : 'start-failed', detail: messageOf(error) };
    }
  }

  #attach(parts: IncarnationParts): Incarnation {
    const { logger } = this.#cell.context;
    const incarnation: Incarnation = new Incarnation(parts, {
      onBatch: (batch) => this.#mailbox.add(() => this.#ingest(incarnation, batch)),
      onGone: () => void this.#gone(incarnation),
      onStalled: (error) => this.#stalled(error),
      onError: (error) => logger.warn({ error, sessionId: this.id }, 'reading an agent failed; it is tried again'),
    });
    this.#cell.incarnation = incarnation;
    return incarnation;
  }

  /** A line waits for room on the disk: clients are told, unless the store has no room either. */
  #stalled(error: unknown): void {
    const { logger } = this.#cell.context;
    logger.warn({ error, sessionId: this.id }, 'a line cannot be written now; it waits');
    const notice = { code: 'disk-full', detail: 'The disk is full: what the agent is to be told waits until there is room.' };
    this.#job(() => commit(this.#cell, (recording) => recording.addToTurn('agent', 'notice', notice))).catch((cause: unknown) =>
      logger.debug({ error: cause, sessionId: this.id }, 'nor can that be told'),
    );
  }

  #ingest(incarnation: Incarnation, batch: Batch): void {
    if (this.#closed) throw new Error('The session was let go.');
    const before = this.#cell.turn;
    const { effects, pending } = ingest(this.#cell, incarnation, batch);
    if (before && this.#cell.turn === null) this.#failures = 0;
    this.write(pending);
    this.#run(effects);
    if (incarnation.outOffset > MOST_SPOOLED && this.#cell.state.kind === 'ready') this.hibernate('hibernated');
  }

  async #dispatch(): Promise<void> {
    this.#take(await dispatchNext(this.#cell));
  }

  #take({ pending, effects }: Committed): void {
    this.write(pending);
    this.#run(effects);
  }

  #stop(reason: ExitReason): Promise<void> {
    const idle = this.#cell.state.kind === 'ready';
    return recordStop(this.#cell, reason) ? this.endProcess(idle) : Promise.resolve();
  }

  /** Ends an idle process so that the conversation can be resumed later; messages that come meanwhile start it again. */
  hibernate(reason: ExitReason): void {
    this.#work('hibernate', () => {
      if (recordHibernation(this.#cell, reason)) void this.endProcess(true);
    });
  }

  /** Ends the process whose reason is stored already; resolves when the end is recorded. */
  endProcess(idle: boolean): Promise<void> {
    const incarnation = this.#cell.incarnation;
    if (!incarnation) return Promise.resolve();
    const ended = new Promise<void>((resolve) => this.#exitWaiters.push(resolve));
    void incarnation
      .terminate('clean', idle ? GRACE : BUSY_GRACE)
      .catch((error: unknown) => this.#cell.context.logger.error({ error }, 'ending an agent failed'));
    return ended;
  }

  /** The process is gone: what is left of it is ended, `out` is read to its end, then the end is recorded. */
  async #gone(incarnation: Incarnation, fallback: ExitReason = 'crashed'): Promise<void> {
    try {
      await incarnation.terminate('kill', { eof: 0, term: 0 });
      await incarnation.drain();
    } catch (error) {
      this.#cell.context.logger.error({ error, sessionId: this.id }, 'what an ended agent left could not be read whole');
    }
    this.#work('exit', () => {
      if (this.#cell.incarnation !== incarnation) return;
      const reason = finishIncarnation(this.#cell, incarnation, fallback);
      for (const resolve of this.#exitWaiters.splice(0)) resolve();
      const unasked = reason === 'crashed' || reason === 'start-failed' || reason === 'lost';
      this.#plan(afterExit(this.#cell, { failures: unasked ? ++this.#failures : 0 }));
    });
  }

  #plan(plan: { kind: 'rest' } | { kind: 'restart'; afterMs: number }): void {
    if (plan.kind === 'rest') return this.#hooks.onIdle(this);
    this.#retry = this.#cell.context.clock.after(plan.afterMs, () => {
      if (this.#closed) return;
      if (this.#hooks.hasRoom()) this.start();
      else this.#plan({ kind: 'restart', afterMs: RETRY_MS });
    });
  }

  #run(effects: readonly SessionEffect[]): void {
    for (const effect of effects) {
      if (effect === 'launch') this.#work('launch', () => this.#launch());
      else if (effect === 'dispatch') this.#work('dispatch', () => this.#dispatch());
    }
  }

  /** A job that nobody waits for: a full disk only delays it. */
  #work(name: string, job: () => void | Promise<void>): void {
    if (this.#closed) return;
    this.#job(job).catch((error: unknown) => {
      const { logger, clock } = this.#cell.context;
      if (!isDiskFull(error)) return logger.error({ error, job: name, sessionId: this.id }, 'a job of a session failed');
      logger.warn({ error, job: name, sessionId: this.id }, 'the disk is full: a job of a session waits');
      clock.after(RETRY_MS, () => this.#work(name, job));
    });
  }

  #job<T>(job: () => T | Promise<T>): Promise<T> {
    return this.#mailbox.add(async () => job());
  }
}
