import type { EventLog } from '../events/event-log.ts';
import { messageOf } from '../platform/app-error.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { DeviceRow } from '../storage/devices-table.ts';
import type { OpenRequest } from '../storage/escalations-table.ts';
import type { Store } from '../storage/store.ts';
import { audienceOf, listener, type Listener } from './devices/preferences.ts';

/** What became of the pushes about one request. */
export interface PushedRequest {
  /** `num` of the devices that have, or will get, a push about it. */
  pushedTo: ReadonlySet<number>;
  /** A device said that it got or opened one. */
  acknowledged: boolean;
}

/** What escalation needs of the outbox. `escalate` runs in a transaction; a device that has the push already gets no second one. */
export interface EscalationOutbox {
  about: (request: OpenRequest) => PushedRequest;
  /** The push about this request, also for these devices. */
  escalate: (request: OpenRequest, to: readonly DeviceRow[]) => void;
}

export type Escalation =
  { is: 'waiting'; until: number } | { is: 'acknowledged' } | { is: 'nobody-left' } | { is: 'escalated'; to: DeviceRow[] };

/**
 * What to do about something that nobody has decided, `afterMs` after it was asked: nothing where a device said that it has it, else
 * it goes to the devices that were left out and may have it now. Being in the foreground no longer counts, what the owner asked for does.
 */
export function escalationOf(
  askedAt: number,
  pushed: PushedRequest,
  listeners: readonly Listener[],
  { now, afterMs }: { now: number; afterMs: number },
): Escalation {
  if (pushed.acknowledged) return { is: 'acknowledged' };
  const until = dueAt(askedAt, afterMs, now);
  if (now < until) return { is: 'waiting', until };
  const leftOut = listeners.filter(({ device }) => !pushed.pushedTo.has(device.num));
  const { told } = audienceOf({ is: 'needs-me', timeSensitive: true }, leftOut, new Set(), now);
  return told.length === 0 ? { is: 'nobody-left' } : { is: 'escalated', to: told };
}

const ASKS = new Set(['approval.requested', 'question.asked']);
/** Devices that are looked at in one turn of the event loop. */
const AT_ONCE = 250;
/** A wait is never longer than this, so that a clock that was set is noticed. */
const LONGEST_MS = 60_000;

/** When a request is due. One of a time to come was asked before the clock was set back, nobody knows how long ago: it is due now. */
function dueAt(askedAt: number, afterMs: number, now: number): number {
  return askedAt > now + LONGEST_MS ? now : askedAt + afterMs;
}

export interface EscalationParts {
  store: Store;
  log: EventLog;
  clock: Clock;
  logger: Logger;
  outbox: EscalationOutbox;
  /** Milliseconds that an owner has to react; 0: for ever. */
  afterMs: number;
}

/** What is left of a look, a turn of the event loop at each step; at its end the time of the next one. */
type Look = Generator<void, number>;

/** Looks again at what waits for an answer. What is due is read from the store each time: a restart forgets nothing. */
export class Escalations {
  readonly #parts: EscalationParts;
  #state: 'new' | 'waiting' | 'looking' | 'closed' = 'new';
  #timer: Timer | null = null;
  #leave: (() => void) | null = null;

  constructor(parts: EscalationParts) {
    this.#parts = parts;
  }

  /** To be called when the outbox has caught up with the log: what it has not seen yet looks as if nobody had been told. */
  start(): void {
    if (this.#parts.afterMs === 0 || this.#state !== 'new') return;
    const { log } = this.#parts;
    this.#state = 'waiting';
    this.#leave = log.subscribeAll((events) => this.#timer === null && events.some(({ kind }) => ASKS.has(kind)) && this.#start());
    this.#start();
  }

  /** For good: a `start` that comes later does nothing. */
  stop(): void {
    this.#state = 'closed';
    this.#leave?.();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #start(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'looking';
    this.#timer = null;
    this.#goOn(this.#look());
  }

  #goOn(look: Look): void {
    if (this.#state !== 'looking') return;
    const step = look.next();
    if (step.done !== true) return void setImmediate(() => this.#goOn(look));
    this.#state = 'waiting';
    const { clock } = this.#parts;
    if (step.value !== Infinity)
      this.#timer = clock.after(Math.min(LONGEST_MS, Math.max(0, step.value - clock.now())), () => this.#start());
  }

  *#look(): Look {
    const { store, clock, logger, afterMs } = this.#parts;
    const failed = new Set<string>();
    for (const request of store.escalations.waiting()) {
      if (clock.now() < dueAt(request.asked_at, afterMs, clock.now())) continue;
      try {
        yield* this.#settle(request);
      } catch (error) {
        logger.error({ error: messageOf(error), requestId: request.id }, 'an escalation failed; it is tried again');
        failed.add(request.id);
      }
    }
    // Read again: some may have been asked meanwhile.
    const now = clock.now();
    const left = store.escalations.waiting().filter(({ id }) => !failed.has(id));
    return Math.min(...left.map((request) => dueAt(request.asked_at, afterMs, now)), failed.size > 0 ? now + LONGEST_MS : Infinity);
  }

  /** A part of the devices at a time; a server that is killed between two parts begins again, and finds who has the push already. */
  *#settle(request: OpenRequest): Generator<void, void> {
    const { store, clock, outbox, afterMs } = this.#parts;
    const now = clock.now();
    const pushed = outbox.about(request);
    let outcome: Exclude<Escalation['is'], 'waiting'> = 'nobody-left';
    for (let after = 0; ;) {
      const devices = store.devices.active(request.owner, after, AT_ONCE);
      const decided = escalationOf(request.asked_at, pushed, this.#listeners(request, devices), { now, afterMs });
      if (decided.is === 'waiting') return;
      if (decided.is !== 'nobody-left') outcome = decided.is;
      if (decided.is === 'escalated') store.transaction(() => outbox.escalate(request, decided.to));
      if (devices.length < AT_ONCE || outcome === 'acknowledged') break;
      after = devices.at(-1)?.num ?? after;
      yield;
      if (!store.escalations.isWaiting(request.id)) return;
    }
    store.escalations.settle(request.id, outcome, now);
  }

  #listeners({ session_num }: OpenRequest, devices: readonly DeviceRow[]): Listener[] {
    const wishes = this.#parts.store.devices.forSession(session_num, devices[0]?.num ?? 0, devices.at(-1)?.num ?? 0);
    const byDevice = new Map(wishes.map((row) => [row.device_num, row]));
    return devices.map((device) => listener(device, byDevice.get(device.num)));
  }
}
