import type { ExitReason, NewEvent } from '../contracts/events.ts';
import type { SessionRow } from '../storage/sessions-table.ts';
import { Activity } from './lifecycle/activity.ts';
import { attach } from './lifecycle/attach.ts';
import { giveUpTurn, requestCancel, type GivenUp } from './turns/cancel.ts';
import type { Cell, Committed } from './cell.ts';
import { commit } from './cell.ts';
import type { SessionContext } from './context.ts';
import { canDispatch, dispatchNext } from './turns/dispatch.ts';
import type { Batch, Incarnation, IncarnationParts, PendingLine } from './lifecycle/incarnation.ts';
import type { Finished } from './lifecycle/finish-incarnation.ts';
import { markRepaired, writeLines } from './lifecycle/line-writer.ts';
import { Mailbox } from './mailbox.ts';
import { launchProcess } from './lifecycle/launch-process.ts';
import { ingest } from './ingest.ts';
import type { OpenTurn } from './turns/open-turn.ts';
import { ProcessEnd } from './lifecycle/process-end.ts';
import { recordArchive } from './archive/record-archive.ts';
import { afterExit, afterStartFailure, isFailure, type Plan } from './lifecycle/restart-policy.ts';
import { Restarts } from './lifecycle/restarts.ts';
import { isLive, transition, type SessionEffect, type SessionState } from './session-state.ts';
import { recordDecision, recordPause, recordResume, recordStop, type EndDecision } from './lifecycle/record-stop.ts';

/** What a session tells its pool. */
export interface SessionHooks {
  /** It needs a process; the pool calls `start` when there is a slot. */
  wantsSlot: (session: Session) => void;
  /** It has a process and nothing to do. */
  onRest: (session: Session) => void;
  /** Its process has ended, which frees a slot. `rests`: nothing is left to do. */
  onExit: (session: Session, rests: boolean) => void;
}

/** Bytes of `out` after which an idle process is ended and woken on a fresh journal. */
const MOST_SPOOLED = 64 * 1024 * 1024;

/** A session's mailbox: one job at a time, each a committed step. The only owner of its process. */
export class Session {
  readonly #cell: Cell;
  readonly #agent: string;
  readonly #hooks: SessionHooks;
  readonly #mailbox: Mailbox;
  readonly #restarts: Restarts;
  readonly #processEnd: ProcessEnd;
  readonly #activity: Activity;
  #hasWorked = false;

  constructor(context: SessionContext, row: SessionRow, hooks: SessionHooks, state: SessionState) {
    this.#cell = { context, key: { num: row.num, id: row.id }, state, turn: null, incarnation: null, screens: new Map() };
    this.#agent = row.agent;
    this.#hooks = hooks;
    this.#mailbox = new Mailbox(context, row.id);
    this.#restarts = new Restarts(context.clock, () => !this.#mailbox.isClosed && hooks.wantsSlot(this));
    this.#processEnd = new ProcessEnd(this.#cell, this.#mailbox, (finished) => this.#ended(finished));
    this.#activity = new Activity(context.clock);
  }

  get id(): string {
    return this.#cell.key.id;
  }
  /** The name of its agent in the catalogue. */
  get agent(): string {
    return this.#agent;
  }
  get num(): number {
    return this.#cell.key.num;
  }
  /** A turn has ended since its process started. */
  get hasWorked(): boolean {
    return this.#hasWorked;
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
  get activity(): Activity {
    return this.#activity;
  }

  /** Starts a process if there is none. Takes the pool's slot at once. */
  start(): void {
    this.#restarts.cancel();
    const { state, effects } = transition(this.#cell.state, { kind: 'start' });
    this.#cell.state = state;
    this.#run(effects);
  }

  /** Hands the next waiting message to the agent as soon as that is possible. */
  pump(): void {
    if (this.isLive) this.#mailbox.post('dispatch', () => this.#dispatch());
    else if (!this.#restarts.isPlanned) {
      this.#restarts.forgive();
      this.#hooks.wantsSlot(this);
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
    if (lines.length > 0) this.#activity.tell();
    writeLines(this.#cell, this.#mailbox, lines);
  }

  /** Lines that a repair has put into `in`. */
  markRepaired(lines: readonly PendingLine[]): void {
    markRepaired(this.#cell, this.#mailbox, lines);
  }

  /** The process was gone before this server came: reads what it left and records its end. */
  async concludeLost(reason: 'lost' | 'start-failed'): Promise<void> {
    const incarnation = this.#cell.incarnation;
    if (incarnation) await this.#processEnd.seen(incarnation, reason);
    await this.settled();
  }

  /** Cancels a turn: the one that runs, or one that waits. Throws `nothing-to-cancel`. */
  cancel(turnId?: string): Promise<void> {
    return this.#mailbox.ask(() => {
      this.#take(requestCancel(this.#cell, turnId));
      if (!this.isLive && this.#cell.context.store.turns.openCount(this.num) === 0) this.#giveUpPlace();
    });
  }

  /** Gives up a turn, which will have failed; see `giveUpTurn`. */
  giveUp(turnId: string, because: GivenUp): Promise<boolean> {
    return this.#mailbox.ask(() => giveUpTurn(this.#cell, turnId, because, (committed) => this.#take(committed)));
  }

  /** Runs a job that may tell the agent something. */
  run<T>(job: (cell: Cell) => { result: T; committed: Committed }): Promise<T> {
    return this.#mailbox.ask(() => {
      const { result, committed } = job(this.#cell);
      this.#take(committed);
      return result;
    });
  }

  /** Ends the process; messages that wait are cancelled. Resolves when the end is recorded. */
  async stop(reason: ExitReason): Promise<void> {
    this.#restarts.cancel();
    // Wrapped, so that the mailbox does not wait for the end: that is recorded by a later job.
    const { ended } = await this.#mailbox.ask(() => ({ ended: this.#stop(reason) }));
    await ended;
  }

  /** Moves it into the archive; `packed` are the processes whose journals are there. False when it has work to do, or others. */
  archive(packed: ReadonlySet<string>): Promise<boolean> {
    return this.#mailbox.ask(() => recordArchive(this.#cell, packed));
  }

  /** Resolves when the jobs that are in the mailbox now have run. */
  settled(): Promise<void> {
    return this.#mailbox.ask(() => undefined);
  }

  /** Lets go of the process without touching it: the next server goes on with it. */
  async release(): Promise<void> {
    this.#restarts.cancel();
    await this.#mailbox.close();
    this.#cell.incarnation?.close();
  }

  async #launch(): Promise<void> {
    const outcome = await launchProcess(this.#cell);
    if (outcome.kind === 'failed') return this.#plan(afterStartFailure(this.#cell, { ...outcome, failures: this.#restarts.fail() }));
    if (outcome.kind === 'unwanted') return;
    this.#attach(outcome.parts);
    this.write(outcome.lines);
    if (canDispatch(this.#cell)) await this.#dispatch();
  }

  #attach(parts: IncarnationParts): Incarnation {
    this.#hasWorked = false;
    this.#activity.tell();
    return attach(this.#cell, this.#mailbox, parts, {
      onBatch: (incarnation, batch) => this.#ingest(incarnation, batch),
      onGone: (incarnation) => void this.#processEnd.seen(incarnation),
    });
  }

  #ingest(incarnation: Incarnation, batch: Batch): void {
    if (this.#mailbox.isClosed) throw new Error('The session was let go.');
    this.#activity.hear();
    const before = this.#cell.turn;
    const { effects, pending } = ingest(this.#cell, incarnation, batch);
    if (before && this.#cell.turn === null) {
      this.#restarts.forgive();
      this.#hasWorked = true;
    }
    this.write(pending);
    this.#run(effects);
    if (incarnation.outOffset > MOST_SPOOLED && this.#cell.state.kind === 'ready')
      void this.end({ kind: 'hibernate', reason: 'spool-full' });
  }

  async #dispatch(): Promise<void> {
    this.#take(await dispatchNext(this.#cell));
    if (this.#cell.state.kind === 'ready') this.#hooks.onRest(this);
  }

  #take({ pending, effects }: Committed): void {
    this.write(pending);
    this.#run(effects);
  }

  /** It waits for a process no longer, neither in the pool nor for its next try. */
  #giveUpPlace(): void {
    this.#restarts.cancel();
    this.#hooks.onExit(this, true);
  }

  async #stop(reason: ExitReason): Promise<void> {
    const idle = this.#cell.state.kind === 'ready';
    if (recordStop(this.#cell, reason)) await this.endProcess(idle);
    else this.#giveUpPlace();
  }

  /** Stops all its processes where they are (SIGSTOP); messages wait. Throws `session-busy`. */
  pause(): Promise<void> {
    return this.#mailbox.ask(() => {
      recordPause(this.#cell);
      this.#cell.incarnation?.pause();
    });
  }

  /** Lets them go on. */
  resume(): Promise<void> {
    return this.#mailbox.ask(() => {
      const effects = recordResume(this.#cell);
      this.#cell.incarnation?.continue();
      this.#activity.hear();
      this.#run(effects);
    });
  }

  /** Tells, once until it is used again, when its process will be ended. */
  warnOfExpiry(expiresAt: string): void {
    this.#activity.warn();
    this.#cell.context.store.sessions.update(this.num, { warned_at: this.#cell.context.clock.now() });
    this.announce({ channel: 'session', kind: 'session.expiring', data: { expiresAt } });
  }

  /** Adds events that concern the process as a whole. */
  announce(...events: NewEvent[]): void {
    this.#mailbox.post('announce', () => void commit(this.#cell, (recording) => events.forEach((event) => recording.add(event))));
  }

  /** Ends the process by a decision of ours; messages that wait start another. False: the decision did not apply. */
  end(decision: EndDecision): Promise<boolean> {
    return this.#mailbox.ask(() => {
      const found = recordDecision(this.#cell, decision);
      if (found !== 'does-not-apply') void this.endProcess(found === 'idle');
      return found !== 'does-not-apply';
    });
  }

  /** Ends the process whose reason is stored already; resolves when the end is recorded. */
  endProcess(idle: boolean): Promise<void> {
    return this.#processEnd.begin(idle);
  }

  #ended(finished: Finished): void {
    const failures = isFailure(finished.reason) ? this.#restarts.fail() : 0;
    this.#plan(afterExit(this.#cell, { ...finished, failures }));
  }

  #plan(plan: Plan): void {
    this.#hooks.onExit(this, plan.kind === 'rest');
    if (plan.kind === 'restart') this.#restarts.plan(plan.afterMs);
  }

  #run(effects: readonly SessionEffect[]): void {
    for (const effect of effects) {
      if (effect === 'launch') this.#mailbox.post('launch', () => this.#launch());
      else if (effect === 'dispatch') this.#mailbox.post('dispatch', () => this.#dispatch());
    }
  }
}
