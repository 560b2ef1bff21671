import type { EventLog } from '../events/event-log.ts';
import { messageOf } from '../platform/app-error.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { DeviceRow } from '../storage/devices-table.ts';
import type { OpenRequest } from '../storage/escalations-table.ts';
import type { Store } from '../storage/store.ts';
import { audienceOf, listener, type Listener } from './preferences.ts';

/** What became of the pushes about one request. */
export interface PushedRequest {
  /** `num` of the devices that have, or will get, a push about it. */
  pushedTo: ReadonlySet<number>;
  /** A device said that it got or opened one. */
  acknowledged: boolean;
}

/** What escalation needs of the outbox. Both are synchronous: they run in one transaction with what is remembered of it. */
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
  if (now < askedAt + afterMs) return { is: 'waiting', until: askedAt + afterMs };
  const leftOut = listeners.filter(({ device }) => !pushed.pushedTo.has(device.num));
  const { told } = audienceOf({ is: 'needs-me', timeSensitive: true }, leftOut, new Set(), now);
  return told.length === 0 ? { is: 'nobody-left' } : { is: 'escalated', to: told };
}

const ASKS = new Set(['approval.requested', 'question.asked']);
/** Devices that are read from the store at once. */
const AT_ONCE = 1_000;
/** A wait is never longer than this, so that a clock that was set is noticed. */
const LONGEST_MS = 60_000;

export interface EscalationParts {
  store: Store;
  log: EventLog;
  clock: Clock;
  logger: Logger;
  outbox: EscalationOutbox;
  /** Milliseconds that an owner has to react; 0: for ever. */
  afterMs: number;
}

/** Looks again at what waits for an answer. What is due is read from the store each time: a restart forgets nothing. */
export class Escalations {
  readonly #parts: EscalationParts;
  #timer: Timer | null = null;
  #leave: (() => void) | null = null;

  constructor(parts: EscalationParts) {
    this.#parts = parts;
  }

  /** To be called when the outbox has caught up with the log: what it has not seen yet looks as if nobody had been told. */
  start(): void {
    if (this.#parts.afterMs === 0) return;
    const { log } = this.#parts;
    this.#leave = log.subscribeAll((events) => this.#timer === null && events.some(({ kind }) => ASKS.has(kind)) && this.#look());
    this.#look();
  }

  stop(): void {
    this.#leave?.();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #look(): void {
    const { store, clock, logger } = this.#parts;
    this.#timer = null;
    let next = Infinity;
    for (const request of store.escalations.waiting()) {
      try {
        next = Math.min(next, this.#settle(request));
      } catch (error) {
        logger.error({ error: messageOf(error), requestId: request.id }, 'an escalation failed; it is tried again');
        next = Math.min(next, clock.now() + LONGEST_MS);
      }
    }
    if (next !== Infinity) this.#timer = clock.after(Math.min(LONGEST_MS, Math.max(0, next - clock.now())), () => this.#look());
  }

  /** When to look at it again; Infinity when it is done with. */
  #settle(request: OpenRequest): number {
    const { store, clock, outbox, afterMs } = this.#parts;
    const now = clock.now();
    if (now < request.asked_at + afterMs) return request.asked_at + afterMs;
    store.transaction(() => {
      const outcome = escalationOf(request.asked_at, outbox.about(request), this.#listeners(request), { now, afterMs });
      if (outcome.is === 'waiting') return;
      store.escalations.settle(request.id, outcome.is, now);
      if (outcome.is === 'escalated') outbox.escalate(request, outcome.to);
    });
    return Infinity;
  }

  #listeners({ owner, session_num }: OpenRequest): Listener[] {
    const { store } = this.#parts;
    const wishes = new Map(store.devices.ofSession(session_num).map((row) => [row.device_num, row]));
    const found: Listener[] = [];
    for (let after = 0; ;) {
      const devices = store.devices.active(owner, after, AT_ONCE);
      found.push(...devices.map((device) => listener(device, wishes.get(device.num))));
      if (devices.length < AT_ONCE) return found;
      after = devices.at(-1)?.num ?? after;
    }
  }
}
