import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { drivers } from '../../server/agents/catalogue.ts';
import type { Driver } from '../../server/agents/driver.ts';
import { dataId, prepareDataDir } from '../../server/data-dir.ts';
import { EventLog } from '../../server/events/event-log.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { bootId } from '../../server/process/identity.ts';
import { markedProcesses } from '../../server/process/members.ts';
import { terminate } from '../../server/process/terminate.ts';
import { acceptMessage, type AcceptParts } from '../../server/sessions/turns/accept.ts';
import type { SessionContext } from '../../server/sessions/context.ts';
import { HealthMonitor, type HealthSettings } from '../../server/sessions/health/health-monitor.ts';
import type { ResourceLimits } from '../../server/sessions/health/health-rules.ts';
import { InteractiveSessionPool } from '../../server/sessions/pool/pool.ts';
import type { Session } from '../../server/sessions/session.ts';
import { Spares } from '../../server/sessions/pool/spares.ts';
import { openDatabase } from '../../server/storage/database.ts';
import { openStore } from '../../server/storage/store.ts';
import { FakeClock } from './fake-clock.ts';

const HOUR = 3_600_000;

/** A pool of real echo processes and its health monitor, on a clock that only the test moves. */
export class PoolOnClock {
  readonly clock = new FakeClock();
  readonly root = mkdtempSync(join(tmpdir(), 'holdfast-clock-'));
  readonly context: SessionContext;
  readonly pool: InteractiveSessionPool;
  readonly monitor: HealthMonitor;
  readonly #parts: AcceptParts;

  /** `change`: what the echo agent's driver does otherwise; `limits`: what it may use; `max`: how many processes there may be. */
  constructor(
    settings: Partial<HealthSettings> = {},
    change: Partial<Driver> = {},
    { max = 10, limits = {} }: { max?: number; limits?: Partial<ResourceLimits> } = {},
  ) {
    const { clock, root } = this;
    prepareDataDir(root);
    const logger = makeLogger('warn');
    const store = openStore(openDatabase(join(root, 'holdfast.db')));
    const driver = drivers.get('echo');
    if (!driver) throw new Error('There is no echo driver.');
    const echo = {
      driver: { ...driver, ...change },
      command: () => process.execPath,
      environment: () => ({ PATH: process.env['PATH'] ?? '', HOME: root }),
      limits,
    };
    this.context = {
      ...{ store, clock, logger, probe: () => undefined, newId: randomUUID },
      log: new EventLog({ store, clock, logger }),
      agents: new Map([['echo', echo]]),
      starts: new PQueue({ concurrency: 3 }),
      limits: { maxQueuedMessages: 20, approvalTimeoutMs: 0 },
      data: { dir: root, id: dataId(store), bootId: bootId() },
    };
    this.pool = new InteractiveSessionPool(this.context, { max, maxWaiting: 10, perMessage: false });
    const day = { intervalMs: 30_000, expireAfterMs: 24 * HOUR, warnAfterMs: 20 * HOUR, stallMs: 600_000, modelTimeoutMs: 1_800_000 };
    const roomy = { limits: { memoryMb: 10_000, cpuPercent: 10_000 }, totalMemoryMb: 100_000 };
    this.monitor = new HealthMonitor(this.context, this.pool, { ...day, ...roomy, ...settings });
    const spares = new Spares(this.context, this.pool, 0);
    this.#parts = {
      context: this.context,
      pool: this.pool,
      spares,
      pushes: { canPush: () => false },
      settings: { projectRoots: [root], defaultAgent: 'echo', permissionMode: 'ask' },
    };
  }

  /** Waits for a condition in real time, while the clock goes on at about its usual pace: processes take the time that they take. */
  async until<T>(look: () => T): Promise<NonNullable<T>> {
    for (let round = 0; round < 4_000; round += 1) {
      const seen = look();
      if (seen) return seen;
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.clock.advance(5);
    }
    throw new Error('It did not happen within 20 s.');
  }

  /** Sends a message to the conversation of a project, which is a folder of that name. Resolves when it is taken on. */
  async send(message: string, project = 'project'): Promise<{ sessionId: string; messageId: string }> {
    const projectPath = join(this.root, project);
    mkdirSync(projectPath, { recursive: true });
    return acceptMessage(this.#parts, { owner: 'me' }, { message, projectPath });
  }

  /** Sends one and waits until it is answered. */
  async ask(message: string, project?: string): Promise<string> {
    const { sessionId, messageId } = await this.send(message, project);
    await this.until(() => this.events(sessionId).some((event) => event.kind === 'turn.completed' && event.turnId === messageId));
    await this.session(sessionId).settled();
    return sessionId;
  }

  /** The live session. Throws where it has no process. */
  session(id: string): Session {
    const session = this.pool.loaded(id);
    if (!session) throw new Error('The session has no process.');
    return session;
  }

  /** Events of a session, all or those after a seq. */
  events(sessionId: string, after = 0): { seq: number; kind: string; turnId: string | null; data: unknown }[] {
    const { sessions, events } = this.context.store;
    const rows = events.page(sessions.byId(sessionId)?.num ?? 0, after, 10_000);
    return rows.map(({ seq, kind, turn_id: turnId, data }) => ({ seq, kind, turnId, data: JSON.parse(data) as unknown }));
  }

  /** Kinds of what happened to a session after a seq, its turns and answers aside. */
  lifecycle(sessionId: string, after = 0): string[] {
    return this.events(sessionId, after).flatMap(({ kind }) => (kind.startsWith('session.') ? [kind] : []));
  }

  head(sessionId: string): number {
    return this.context.store.sessions.byId(sessionId)?.head_seq ?? 0;
  }

  /** Lets time pass in steps, each with a look of the monitor at the end. */
  async pass(milliseconds: number, step = HOUR): Promise<void> {
    for (let left = milliseconds; left > 0; left -= step) {
      this.clock.advance(Math.min(step, left));
      await this.monitor.check();
      await Promise.all(this.pool.live.map((session) => session.settled()));
    }
  }

  /** Ends every process, and removes the folder. */
  async dispose(): Promise<void> {
    this.monitor.stop();
    await this.pool.release();
    for (const { mark } of markedProcesses(this.context.data.id)) {
      const folder = join(this.root, 'incarnations', mark.slice(mark.indexOf('/') + 1));
      await terminate({ folder, mark, identities: {}, graceMs: { eof: 0, term: 0 } }, 'kill');
    }
    this.context.store.db.close();
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
