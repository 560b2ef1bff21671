import PQueue from 'p-queue';
import type { PushOutcome } from '../contracts/metrics-views.ts';
import { messageOf } from '../platform/app-error.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { FOREGROUND, isWithheldRow, type DueDelivery } from '../storage/deliveries-table.ts';
import type { PushTarget } from '../storage/devices-table.ts';
import type { PushRow } from '../storage/outbox-table.ts';
import type { Store } from '../storage/store.ts';
import { needlessFor, stepOfActivity } from './activities/answer.ts';
import { keepAnswer, type Answered, type Job } from './answered.ts';
import type { Sender } from './apns/apns.ts';
import { backoffMs, stepAfter, type Answer, type Step } from './apns/retry.ts';

export interface OutboxParts {
  store: Store;
  clock: Clock;
  logger: Logger;
  sender: Sender;
  /** 0 to 1. */
  random: () => number;
  ended: (outcome: PushOutcome) => void;
  /** Whether a device proved after a time that it shows a session. */
  proved: (deviceId: string, sessionId: string, since: number) => boolean;
}

/** Pushes that are under way at a time, and rows that are taken in one transaction, as soon as there is room for so many. */
const UNDER_WAY = 100;
const AT_ONCE = 50;
/** A wait is never longer than this, so that a clock that was set is noticed. */
const LONGEST_MS = 60_000;
const WRITE_AGAIN_MS = 1_000;
/** A sign of life may have been on its way for so long, in milliseconds: one that came sooner after an event proves nothing. */
const ON_THE_WAY_MS = 1_000;
/** A clock that loses less than this, in milliseconds, between two looks was not set. */
const DRIFT_MS = 1_000;

/**
 * Sends what is due. A row is `sending` before it leaves; one that a killed server left so is sent again under the same apns-id and
 * collapse id. Answers are kept in the turn of the event loop in which they came, all of them in one transaction.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  /** A task is what was taken in one transaction: one for each push would cost as much as keeping its answer. */
  readonly #queue = new PQueue({ concurrency: UNDER_WAY });
  /** Pushes that have no answer yet. */
  #sent = 0;
  /** Answers that are not kept yet. */
  #answered: Answered[] = [];
  #wake: NodeJS.Immediate | null = null;
  #timer: Timer | null = null;
  #state: 'off' | 'on' = 'off';
  /** Nothing is sent before then. */
  #holdUntil = 0;
  /** The wall clock's time when the monotonic one began, at the last look. */
  #wallStart = -Infinity;
  /** The same for the own tokens of single devices, by their `num`. */
  readonly #held = new Map<number, number>();
  /** Pushes in a row without any answer. */
  #silent = 0;
  #trouble: string | null = null;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** What is wrong with the service or the settings for it; null when all is well. */
  get trouble(): string | null {
    return this.#trouble;
  }

  start(): void {
    const { store, clock, logger } = this.#parts;
    this.#state = 'on';
    const again = store.transaction(() => {
      store.deliveries.dueFromTheFuture(clock.now());
      return store.deliveries.giveBack(clock.now());
    });
    if (again > 0) logger.info({ pushes: again }, 'pushes without a known answer are sent again');
    this.kick();
  }

  /** Takes no more. What is under way gets its answer at the next start, when it does not come before the sender is closed. */
  stop(): void {
    this.#state = 'off';
    this.#timer?.cancel();
    if (this.#wake) clearImmediate(this.#wake);
    this.#wake = null;
    this.#keepAnswers();
  }

  get #isOn(): boolean {
    return this.#state === 'on';
  }

  /** Resolves when nothing is under way, and what was answered is kept, if it can be. */
  async settled(): Promise<void> {
    await this.#queue.onIdle();
    if (this.#wake) clearImmediate(this.#wake);
    this.#wake = null;
    this.#keepAnswers();
  }

  /** There may be something to send, or to keep. */
  kick(): void {
    if (this.#isOn || this.#answered.length > 0) this.#wake ??= setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#wake = null;
    this.#timer?.cancel();
    const isKept = this.#keepAnswers();
    if (!this.#isOn) return;
    if (isKept) this.#fill();
    else this.#sleep(WRITE_AGAIN_MS);
  }

  #fill(): void {
    const { clock, logger } = this.#parts;
    this.#followClock();
    const now = clock.now();
    if (this.#holdUntil > now) return this.#sleep(Math.min(this.#holdUntil - now, LONGEST_MS));
    // Every answer that comes makes room, and looks again. A few at a time would cost more than the wait for room for many.
    if (UNDER_WAY - this.#sent < AT_ONCE) return;
    try {
      const { jobs, taken } = this.#take(now, AT_ONCE);
      if (jobs.length > 0) void this.#queue.add(() => Promise.all(jobs.map((job) => this.#ship(job))));
      if (taken > 0) return this.kick();
      const next = this.#parts.store.deliveries.nextAt();
      if (next !== null) this.#sleep(Math.min(Math.max(1, next - now), LONGEST_MS));
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'pushes could not be taken from the outbox; it is tried again');
      this.#sleep(WRITE_AGAIN_MS);
    }
  }

  /** A clock that was set back holds nothing for longer than it would have. */
  #followClock(): void {
    const { store, clock, logger } = this.#parts;
    const wallStart = clock.now() - clock.monotonic();
    const back = Math.round(this.#wallStart - wallStart);
    if (back > DRIFT_MS) {
      try {
        store.deliveries.bringForward(back);
      } catch (error) {
        return logger.warn({ error: messageOf(error) }, 'the clock was set back; what waits is brought forward later');
      }
      this.#holdUntil -= back;
      for (const [device, until] of this.#held) this.#held.set(device, until - back);
    }
    this.#wallStart = wallStart;
  }

  #sleep(milliseconds: number): void {
    this.#timer = this.#parts.clock.after(milliseconds, () => this.kick());
  }

  /** Marks what is due as `sending`, and leaves out what nobody needs any more. `taken`: rows that were looked at. */
  #take(now: number, room: number): { jobs: Job[]; taken: number } {
    const { store, ended } = this.#parts;
    const pushes = new Map<number, PushRow | undefined>();
    const jobs: Job[] = [];
    const over: PushOutcome[] = [];
    const taken = store.transaction(() => {
      const rows = store.deliveries.due(now, room);
      for (const row of rows) {
        if (!pushes.has(row.push_num)) pushes.set(row.push_num, store.outbox.byNum(row.push_num));
        const push = pushes.get(row.push_num);
        const device = store.devices.target(row.device_num);
        if (!push || !device) continue;
        if (row.activity_num === null && this.#isHeld(device.num, now)) continue;
        const activity = row.activity_num === null ? undefined : store.activities.byNum(row.activity_num);
        const needless = push.push_type === 'liveactivity' ? needlessFor(activity, push) : null;
        const why = needless ?? this.#needless(row, push, device, now);
        if (why === null) {
          store.deliveries.take(row.num);
          row.attempts += 1;
          jobs.push({ row, push, device, activity });
        } else {
          const outcome = why === 'expired' ? 'expired' : 'dropped';
          store.deliveries.finish(row.num, outcome, row.status, why === 'expired' ? row.reason : why, now);
          over.push(outcome);
        }
      }
      return rows.length;
    });
    over.forEach(ended);
    return { jobs, taken };
  }

  /** Puts off what waits for a device whose own token is not to be pushed to yet. */
  #isHeld(deviceNum: number, now: number): boolean {
    const until = this.#held.get(deviceNum);
    if (until === undefined) return false;
    if (until > now) this.#parts.store.deliveries.postpone(deviceNum, until);
    else this.#held.delete(deviceNum);
    return until > now;
  }

  #needless(row: DueDelivery, push: PushRow, device: PushTarget, now: number): string | null {
    if (push.settled === 1) return 'settled';
    if (device.state !== 'active') return 'unregistered';
    if (isWithheldRow(row) && this.#hasSeen(device, push, row.created_at + ON_THE_WAY_MS)) return FOREGROUND;
    return now >= push.expires_at ? 'expired' : null;
  }

  #hasSeen(device: PushTarget, { session_num }: PushRow, since: number): boolean {
    const session = session_num === null ? undefined : this.#parts.store.sessions.byNum(session_num);
    return session !== undefined && this.#parts.proved(device.id, session.id, since);
  }

  async #ship(job: Job): Promise<void> {
    const { row, push, device, activity } = job;
    if (!this.#isOn) return;
    this.#sent += 1;
    const answer = await this.#parts.sender.send({
      token: (activity ?? device).token,
      topic: device.topic,
      production: device.environment === 'production',
      apnsId: row.apns_id,
      collapseId: push.subject,
      pushType: push.push_type,
      priority: push.priority,
      expiry: Math.floor(push.expires_at / 1_000),
      payload: push.payload,
    });
    this.#sent -= 1;
    // A server that stops leaves it as it is: without an answer it is sent again.
    if (!this.#isOn && answer.status === null) return;
    this.#settle(job, answer);
    this.kick();
  }

  #settle(job: Job, answer: Answer): void {
    const { clock, random } = this.#parts;
    const now = clock.now();
    const { attempts, reason: lastReason } = job.row;
    const registeredAt = (job.activity ?? job.device).registered_at;
    const said = stepAfter(answer, { attempts, lastReason, registeredAt, now, random: random() });
    const step = job.activity ? stepOfActivity(said) : said;
    this.#note(answer, step, now);
    this.#answered.push({ job, answer, step, at: now });
  }

  /** Keeps the answers that came. False where it can't, for instance on a full disk: until it can, nothing more is taken. */
  #keepAnswers(): boolean {
    const { store, logger, ended } = this.#parts;
    const answered = this.#answered;
    if (answered.length === 0) return true;
    const hold = (deviceNum: number, until: number): void => void this.#held.set(deviceNum, until);
    try {
      const outcomes = store.transaction(() => answered.map((each) => keepAnswer(store, each, hold)));
      this.#answered = [];
      for (const outcome of outcomes) if (outcome) ended(outcome);
      return true;
    } catch (error) {
      logger.warn({ error: messageOf(error), answers: answered.length }, 'answers to pushes could not be kept; it is tried again');
      return false;
    }
  }

  /** What an answer says about the service as a whole. */
  #note(answer: Answer, step: Step, now: number): void {
    this.#silent = answer.status === null ? this.#silent + 1 : 0;
    if (step.is === 'delivered') this.#trouble = null;
    if (step.is !== 'retry' || step.holds !== 'all') return;
    this.#trouble =
      answer.status === null ? `It does not answer: ${step.reason}.` : `It refuses all pushes: ${answer.status} ${step.reason}.`;
    // Many break off at once: how often in a row it was silent counts, not how often for one of them.
    const wait = answer.status === null ? backoffMs(Math.ceil(this.#silent / UNDER_WAY), this.#parts.random()) : step.afterMs;
    this.#holdUntil = Math.max(Math.min(this.#holdUntil, now + LONGEST_MS * 360), now + wait);
  }
}
