import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { PushRecord } from '../../cli/push-sandbox/push-record.ts';
import { startPushSandbox, type PushSandbox, type PushSandboxOptions } from '../../cli/push-sandbox/push-sandbox.ts';
import { loadSettings } from '../../config/settings.ts';
import type { NewEvent } from '../../server/contracts/events.ts';
import { EventLog, type LogKey } from '../../server/events/event-log.ts';
import type { Clock } from '../../server/platform/clock.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { Push } from '../../server/push/push.ts';
import type { DeliveryRow } from '../../server/storage/deliveries-table.ts';
import { openDatabase } from '../../server/storage/database.ts';
import type { DeviceRow } from '../../server/storage/devices-table.ts';
import { openStore, type Store } from '../../server/storage/store.ts';
import { FakeClock } from './fake-clock.ts';
import { deviceToken } from './push.ts';

export interface PushOnClockOptions {
  sandbox?: PushSandboxOptions;
  /** Another clock than one that only the test moves. */
  clock?: Clock;
  /** Devices that show a session. */
  showing?: ReadonlySet<string>;
  /** Whether those go on proving it. */
  awake?: boolean;
}

/** The real log, outbox and sender against a push service over HTTP/2, on a clock that only the test moves, and without agents. */
export class PushOnClock {
  readonly clock: Clock;
  readonly sandbox: PushSandbox;
  readonly store: Store;
  readonly log: EventLog;
  readonly session: LogKey & { owner: string };
  readonly outcomes: string[] = [];
  readonly #folder: string;
  readonly #showing: ReadonlySet<string>;
  readonly #awake: boolean;
  push: Push;

  private constructor(sandbox: PushSandbox, folder: string, clock: Clock, showing: ReadonlySet<string>, awake: boolean) {
    this.#folder = folder;
    this.clock = clock;
    this.sandbox = sandbox;
    this.#showing = showing;
    this.#awake = awake;
    this.store = openStore(openDatabase(join(folder, 'holdfast.db')));
    this.log = new EventLog({ store: this.store, clock, logger: makeLogger('silent') });
    this.session = this.makeSession();
    this.push = this.#makePush();
  }

  static async start({
    sandbox: options = {},
    clock = new FakeClock(),
    showing = new Set(),
    awake = true,
  }: PushOnClockOptions = {}): Promise<PushOnClock> {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-outbox-'));
    const sandbox = await startPushSandbox({ folder: join(folder, 'sandbox'), clock, ...options });
    const world = new PushOnClock(sandbox, folder, clock, showing, awake);
    world.push.start();
    return world;
  }

  #makePush(): Push {
    const { store, log, clock } = this;
    const settings = loadSettings({ ...this.sandbox.settings }, { home: this.#folder, cwd: this.#folder, hostname: 'test', addresses: [] });
    const ended = (outcome: string): void => void this.outcomes.push(outcome);
    const showing = (): ReadonlySet<string> => this.#showing;
    const proved = (deviceId: string): boolean => this.#awake && this.#showing.has(deviceId);
    const parts = { store, log, clock, logger: makeLogger('silent'), newId: randomUUID, random: () => 0.5 };
    return new Push({ ...parts, settings, showing, proved, ended });
  }

  makeSession(owner = 'me', name = 'A project'): LogKey & { owner: string } {
    const at = this.clock.now();
    const row = this.store.sessions.insert({
      ...{ id: randomUUID(), owner, name, agent: 'echo', project_path: '/projects/one', mode: 'ask', model: null, labels: '[]' },
      created_at: at,
    });
    return { num: row.num, id: row.id, owner };
  }

  device(number = 1, change: Partial<DeviceRow> = {}): DeviceRow {
    const now = this.clock.now();
    return this.store.devices.insert({
      ...{ id: `device-${number}`, owner: 'me', token: deviceToken(number), platform: 'ios', environment: 'sandbox', topic: null },
      ...{ app_version: null, name: `Phone ${number}`, preferences: '{}', created_at: now, registered_at: now },
      ...change,
    });
  }

  /** Logs an event of the session, with a turn of its own. */
  append(event: NewEvent, session: LogKey = this.session): string {
    const turnId = randomUUID();
    this.log.transact((append) => append(session, [{ turnId, ...event }]));
    return turnId;
  }

  /** A turn that failed, told in these words. */
  fail(detail: string, session?: LogKey): string {
    return this.append({ channel: 'turn', kind: 'turn.failed', data: { code: 'test', detail } }, session);
  }

  ask(title = 'Remove it?'): string {
    const approvalId = randomUUID();
    this.append({
      channel: 'agent',
      kind: 'approval.requested',
      data: {
        ...{ approvalId, tool: 'Bash', title, input: {}, options: [], expiresAt: null },
        ...{ inputHash: '0'.repeat(64), risk: 'low', riskReasons: [] },
      },
    });
    return approvalId;
  }

  rows(): DeliveryRow[] {
    return this.store.db.prepare<[], DeliveryRow>('SELECT * FROM deliveries ORDER BY num').all();
  }

  /** What reached the phone of a number or, without one, all phones. */
  taken(number?: number): PushRecord[] {
    return this.sandbox
      .pushes()
      .filter(({ outcome }) => outcome.kind === 'accepted')
      .filter(({ token }) => number === undefined || token === deviceToken(number));
  }

  /** Waits for a condition, while the clock goes on at about its usual pace. */
  async until<T>(look: () => T, seconds = 20): Promise<NonNullable<T>> {
    const end = performance.now() + seconds * 1_000;
    for (let last = performance.now(); ;) {
      const seen = look();
      if (seen) return seen;
      if (performance.now() > end)
        throw new Error(`It did not happen within ${seconds} s.`, { cause: JSON.stringify(this.rows().slice(0, 5)) });
      await new Promise((resolve) => setTimeout(resolve, 2));
      // As much as has passed, also where this machine is slow.
      const passed = performance.now() - last;
      last += passed;
      if (this.clock instanceof FakeClock) this.clock.advance(Math.ceil(passed));
    }
  }

  /** Waits until nothing waits or is under way. */
  async drained(seconds?: number): Promise<void> {
    await this.until(() => this.store.outbox.behind().length === 0 && this.push.queued() === 0, seconds);
  }

  /** Another server on the same store, after the first one stopped. */
  async restart(): Promise<void> {
    await this.stop();
    this.push = this.#makePush();
    this.push.start();
  }

  async stop(): Promise<void> {
    let stopped = false;
    const stopping = this.push.stop().then(() => (stopped = true));
    await this.until(() => stopped);
    await stopping;
  }

  async dispose(): Promise<void> {
    await this.stop();
    await this.sandbox.close();
    this.store.db.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Gives each test of a suite a world of its own, on a clock that only the test moves. */
export function pushOnClockForEach(use: (world: PushOnClock, clock: FakeClock) => void): void {
  let world: PushOnClock;
  beforeEach(async () => {
    const clock = new FakeClock();
    world = await PushOnClock.start({ clock });
    use(world, clock);
  });
  afterEach(() => world.dispose());
}
