import type PQueue from 'p-queue';
import type { Driver } from '../agents/driver.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Probe } from '../platform/probe.ts';
import type { Store } from '../storage/store.ts';
import type { ResourceLimits } from './health/health-rules.ts';

/** An agent that sessions can have: its protocol, its program (null: not installed), and the environment it may see. */
export interface Agent {
  driver: Driver;
  command: () => string | null;
  environment: () => Record<string, string>;
  /** How to get it, for whoever lacks it. */
  install?: string | null;
  /** What its processes may use, where that is not what the settings say. */
  limits?: Partial<ResourceLimits>;
}

/** Limits of one session; see the settings of the same names. */
export interface SessionLimits {
  maxQueuedMessages: number;
  /** Milliseconds after which what an agent asks is denied; 0: never. */
  approvalTimeoutMs: number;
}

/** What every session works with; made once by the composition root. */
export interface SessionContext {
  store: Store;
  log: EventLog;
  clock: Clock;
  logger: Logger;
  probe: Probe;
  agents: ReadonlyMap<string, Agent>;
  /** Bounds how many processes start at the same time. */
  starts: PQueue;
  limits: SessionLimits;
  /** DATA_DIR, its id (the first half of every mark) and the boot that the machine is in. */
  data: { dir: string; id: string; bootId: string };
  newId: () => string;
}
