import type { PushOutcome } from '../contracts/metrics-views.ts';
import type { EventLog } from '../events/event-log.ts';
import { AppError } from '../platform/app-error.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { DeviceRow } from '../storage/devices-table.ts';
import { isWithheldRow, type LoggedDelivery } from '../storage/deliveries-table.ts';
import type { OpenRequest } from '../storage/escalations-table.ts';
import type { Store } from '../storage/store.ts';
import { Activities } from './activities/activities.ts';
import { makeSender, missingSettings, type ApnsSettings } from './apns/apns.ts';
import type { DeviceOutbox, Receipt } from './devices/device-outbox.ts';
import { askedEvent, Enqueue } from './rules/enqueue.ts';
import type { EscalationOutbox, PushedRequest } from './escalation.ts';
import { Feed } from './rules/feed.ts';
import { subjectOf } from './rules/notification.ts';
import { Outbox } from './outbox.ts';

export interface PushParts {
  store: Store;
  log: EventLog;
  clock: Clock;
  logger: Logger;
  newId: () => string;
  /** 0 to 1. */
  random: () => number;
  settings: ApnsSettings;
  /** Ids of the devices that proved to show a session at this moment. */
  showing: (sessionId: string) => ReadonlySet<string>;
  /** Whether a device proved after a time (milliseconds since 1970) that it shows a session. */
  proved: (deviceId: string, sessionId: string, since: number) => boolean;
  ended: (outcome: PushOutcome) => void;
}

/** How push is doing; `off` where it is not set up, `failing` while the service refuses everything or can't be reached. */
export interface PushHealth {
  state: 'off' | 'ready' | 'failing';
  detail?: string;
  queued: number;
}

const HOUR = 3_600_000;
const KEPT_MS = 7 * 24 * HOUR;
const PRUNE_MS = 60_000;
/** Between two parts of what is old, in milliseconds. */
const PRUNE_AGAIN_MS = 250;
/** Pushes that are removed at once; one may have gone to thousands of devices. */
const PRUNED_AT_ONCE = 5;
const LIVE = new Set(['queued', 'sending', 'delivered']);
/** Time for answers to what is under way when the server stops, in milliseconds. */
const LAST_ANSWERS_MS = 1_000;

/** Everything between the event log and the push service. Throws AppError `bad-setting` where a key can't be used. */
export class Push implements DeviceOutbox, EscalationOutbox {
  readonly #parts: PushParts;
  readonly #enqueue: Enqueue;
  readonly #feed: Feed;
  readonly #sender: ReturnType<typeof makeSender>;
  readonly #outbox: Outbox | null;
  readonly activities: Activities;
  #pruning: Timer | null = null;
  #pruneAgain: Timer | null = null;

  constructor(parts: PushParts) {
    const { store, log, clock, logger, newId, random, settings, showing, proved, ended } = parts;
    this.#parts = parts;
    const dropped = (count: number): void => {
      for (let left = count; left > 0; left -= 1) ended('dropped');
    };
    this.#enqueue = new Enqueue({ store, newId, showing, dropped });
    this.#feed = new Feed({ store, log, clock, logger, enqueue: this.#enqueue, made: () => this.#outbox?.kick() });
    this.activities = new Activities({ store, log, clock, logger, newId, showing, dropped, made: () => this.#outbox?.kick() });
    this.#sender = makeSender(settings, clock);
    this.#outbox = this.#sender && new Outbox({ store, clock, logger, sender: this.#sender, random, ended, proved });
  }

  /** Whether pushes can be sent. */
  get isSetUp(): boolean {
    return this.#outbox !== null;
  }

  start(): void {
    this.#outbox?.start();
    this.#feed.start();
    this.activities.start();
    this.#pruning = this.#parts.clock.every(PRUNE_MS, () => this.#prune());
  }

  /** Resolves when everything that is logged by now has its rows. */
  caughtUp(): Promise<void> {
    return this.#feed.caughtUp();
  }

  /** Ends the connection. What got no answer by then is sent again at the next start. */
  async stop(): Promise<void> {
    this.#pruning?.cancel();
    this.#pruneAgain?.cancel();
    this.#feed.stop();
    this.activities.stop();
    const { clock } = this.#parts;
    this.#outbox?.stop();
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => (timer = clock.after(LAST_ANSWERS_MS, resolve)));
    await Promise.race([this.#outbox?.settled(), late]);
    timer?.cancel();
    this.#sender?.close();
    await this.#outbox?.settled();
  }

  health(): PushHealth {
    const queued = this.queued();
    if (!this.#outbox) return { state: 'off', detail: `Not set: ${missingSettings(this.#parts.settings).join(', ')}.`, queued };
    const { trouble } = this.#outbox;
    return trouble === null ? { state: 'ready', queued } : { state: 'failing', detail: trouble, queued };
  }

  /** Pushes that wait or are under way. */
  queued(): number {
    return this.#parts.store.deliveries.open();
  }

  /** A device's part of the delivery log below `before`, the latest first. */
  deliveries(device: DeviceRow, before: number, limit: number): LoggedDelivery[] {
    return this.#parts.store.deliveries.ofDevice(device.num, before, limit);
  }

  enqueueTest(device: DeviceRow): { pushId: string } {
    if (!this.#outbox) {
      const missing = missingSettings(this.#parts.settings).join(', ');
      throw new AppError('push-not-set-up', `This server can't send pushes: ${missing} must be set.`);
    }
    const { store, clock } = this.#parts;
    const test = { kind: 'test', title: 'Holdfast', body: `A test for ${device.name}: pushes arrive.`, fields: { type: 'test' } };
    const pushId = store.transaction(() =>
      this.#enqueue.single(
        device,
        { ...test, subject: subjectOf('test', device.id), level: 'active', relevance: 0.5, keepMs: HOUR },
        clock.now(),
      ),
    );
    this.#outbox.kick();
    return { pushId };
  }

  recordReceipts(device: DeviceRow, receipts: readonly Receipt[]): { recorded: number; unknown: number } {
    const { store } = this.#parts;
    return store.transaction(() => {
      const recorded = receipts.filter(({ id, receivedAt, openedAt }) =>
        store.deliveries.receive(device.num, id, receivedAt, openedAt),
      ).length;
      return { recorded, unknown: receipts.length - recorded };
    });
  }

  about(request: OpenRequest): PushedRequest {
    const rows = this.#parts.store.deliveries.about(request.session_num, subjectOf('ask', request.id));
    return {
      pushedTo: new Set(rows.flatMap((row) => (LIVE.has(row.state) && !isWithheldRow(row) ? [row.device_num] : []))),
      acknowledged: rows.some(({ received_at, opened_at }) => received_at !== null || opened_at !== null),
    };
  }

  escalate(request: OpenRequest, to: readonly DeviceRow[]): void {
    const { clock } = this.#parts;
    this.#enqueue.request(request.session_num, askedEvent(request), to, clock.now());
    this.#outbox?.kick();
  }

  #prune(): void {
    const { store, clock, logger } = this.#parts;
    try {
      const pruned = store.transaction(() => store.outbox.prune(clock.now() - KEPT_MS, PRUNED_AT_ONCE));
      this.#pruneAgain?.cancel();
      if (pruned === PRUNED_AT_ONCE) this.#pruneAgain = clock.after(PRUNE_AGAIN_MS, () => this.#prune());
    } catch (error) {
      logger.warn({ error }, 'the delivery log will be pruned later');
    }
  }
}
