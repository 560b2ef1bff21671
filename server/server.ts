import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { agentEnvironment } from '../config/agent-env.ts';
import { agentSecrets } from '../config/agent-secrets.ts';
import { agents as catalogue } from '../config/agents.ts';
import { findCommand } from '../config/find-command.ts';
import { packageVersion } from '../config/package-version.ts';
import type { Settings } from '../config/settings.ts';
import { AgentVersions } from './agent-versions.ts';
import { driverOf } from './agents/catalogue.ts';
import { makeApi } from './api.ts';
import { loadToken, TokenCheck } from './auth/token.ts';
import { makeCompanion } from './companion.ts';
import { dataId, prepareDataDir, removeRunning, writeRunning } from './data-dir.ts';
import { Compaction } from './events/compaction.ts';
import { EventLog } from './events/event-log.ts';
import { Figures } from './figures.ts';
import { makeApp } from './http/app.ts';
import { httpServer, listen } from './http/listen.ts';
import { systemClock, type Clock } from './platform/clock.ts';
import type { Logger } from './platform/logger.ts';
import { noProbe, type Probe } from './platform/probe.ts';
import { stayAwake } from './platform/stay-awake.ts';
import { Escalations } from './push/escalation.ts';
import { Presence } from './push/devices/presence.ts';
import { Push, type PushHealth } from './push/push.ts';
import { bootId, identify } from './process/identity.ts';
import { RequestExpiry } from './sessions/approvals/expiry.ts';
import { Archive } from './sessions/archive/archive.ts';
import { HealthMonitor, type HealthSettings } from './sessions/health/health-monitor.ts';
import { Spares } from './sessions/pool/spares.ts';
import type { SessionRow } from './sessions/commands.ts';
import type { Agent, SessionContext } from './sessions/context.ts';
import { InteractiveSessionPool } from './sessions/pool/pool.ts';
import { ProseWriter } from './sessions/recap/prose-writer.ts';
import { Recaps } from './sessions/recap/recaps.ts';
import { recover, type Recovered } from './sessions/lifecycle/recovery.ts';
import { Retention } from './sessions/archive/retention.ts';
import type { Pushes } from './sessions/turns/delivery.ts';
import { Gateway } from './socket/gateway.ts';
import { openDatabase } from './storage/database.ts';
import { lockDataDir } from './storage/lock.ts';
import { openStore } from './storage/store.ts';

export interface ServerParts {
  settings: Settings;
  /** The whole environment, of which agents see what is on their list. */
  environment: NodeJS.ProcessEnv;
  logger: Logger;
  clock?: Clock;
  probe?: Probe;
  /** Who says whether a device is reached by a push; without it, the outbox. */
  pushes?: Pushes;
}

export interface RunningHoldfast {
  url: string;
  token: string;
  /** The token was made at this start. */
  tokenMade: boolean;
  recovered: Recovered;
  push: PushHealth;
  /** Live agents now. */
  live: () => number;
  /** Stops serving and lets go of the agents, which go on. */
  stop: () => Promise<void>;
}

/** How many processes start at once: a start costs most of a second of CPU. */
const STARTS_AT_ONCE = 3;
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Puts everything together in a stated order: lock, store, recovery, and only then the doors. Throws AppError. */
export async function startServer(parts: ServerParts): Promise<RunningHoldfast> {
  const { settings, logger, clock = systemClock, probe = noProbe } = parts;
  const { dataDir } = settings;
  prepareDataDir(dataDir);
  const lock = lockDataDir(dataDir);
  const db = openDatabase(join(dataDir, 'holdfast.db'), settings.databaseSync);
  const store = openStore(db);
  const log = new EventLog({ store, clock, logger, probe });
  const agents = installedAgents(parts);
  const context: SessionContext = {
    ...{ store, log, clock, logger, probe, agents },
    starts: new PQueue({ concurrency: STARTS_AT_ONCE }),
    limits: { maxQueuedMessages: settings.maxQueuedMessages, approvalTimeoutMs: settings.approvalTimeoutMinutes * 60_000 },
    data: { dir: dataDir, id: dataId(store), bootId: bootId() },
    newId: randomUUID,
  };
  const poolLimits = {
    max: settings.maxConcurrentSessions,
    maxWaiting: settings.maxWaiting,
    perMessage: settings.sessionMode === 'per-message',
  };
  const pool = new InteractiveSessionPool(context, poolLimits);
  const spares = new Spares(context, pool, settings.warmSpares);
  // Before the recovery, whose findings count too.
  const figures = new Figures(context, pool);
  const presence = new Presence(clock);
  const showing = (sessionId: string): ReadonlySet<string> => presence.showing(sessionId);
  const proved = presence.provedSince.bind(presence);
  const push = new Push({ ...context, settings, showing, proved, random: Math.random, ended: (outcome) => figures.pushEnded(outcome) });
  figures.watch(push);
  const recovered = await stayAwake(() => recover(context, pool));
  const expiry = new RequestExpiry(context, pool);
  await expiry.start();
  if (poolLimits.perMessage) pool.endIdle('finished');
  const archive = new Archive(context, pool);
  archive.clean();
  spares.recover();
  spares.start(settings.healthCheckIntervalSeconds * 1_000);
  const monitor = new HealthMonitor(context, pool, healthSettings(settings));
  monitor.start();
  const compaction = new Compaction({ store, clock, logger, afterMs: settings.compactAfterSeconds * 1_000 });
  compaction.start();

  const { token, made: tokenMade } = loadToken(dataDir, settings.authToken);
  const versions = new AgentVersions();
  void versions.learn(agents);
  const recaps = new Recaps(context, new ProseWriter(context));
  const companion = makeCompanion({ ...context, settings }, presence, push);
  push.start();
  const escalations = new Escalations({ ...context, outbox: push, afterMs: settings.pushEscalateSeconds * 1_000 });
  void push.caughtUp().then(() => escalations.start());
  const api = makeApi({
    settings,
    context,
    pool,
    archive,
    figures,
    recaps,
    spares,
    monitor,
    agents,
    versions,
    pushes: parts.pushes ?? companion.devices,
    companion,
    push,
  });
  const remove = (session: SessionRow): Promise<void> => api.commands.remove(session.owner, session.id);
  const retention = new Retention({ store, clock, logger, archive, remove, days: settings.retentionDays });
  retention.start();
  const doors = { allowedHosts: settings.allowedHosts, allowedOrigins: settings.allowedOrigins };
  const tokens = new TokenCheck(token);
  const server = httpServer(settings);
  server.on('request', makeApp({ api, tokens, doors, maxBodyBytes: settings.maxBodyMb * 1024 * 1024 }));
  const gateway = new Gateway({
    ...{ api, clock, logger, tokens, doors },
    tickets: api.tickets,
    presence: companion.feed,
    version: packageVersion,
    newId: randomUUID,
    maxFrameBytes: MAX_FRAME_BYTES,
    tokenInUrl: settings.allowTokenInUrl,
  });
  gateway.listen(server);
  const url = await listen(server, settings);
  const identity = identify(process.pid);
  if (identity) writeRunning(dataDir, { identity, url });

  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    gateway.close();
    api.held.close();
    compaction.stop();
    escalations.stop();
    await push.stop();
    monitor.stop();
    expiry.stop();
    spares.stop();
    await recaps.close();
    await Promise.all([retention.stop(), archive.close()]);
    await pool.release();
    const force = clock.after(2_000, () => server.closeAllConnections());
    server.closeIdleConnections();
    await closed;
    force.cancel();
    removeRunning(dataDir);
    db.close();
    lock.release();
  };
  return { url, token, tokenMade, recovered, push: push.health(), live: () => pool.live.length, stop: () => stayAwake(close) };
}

function installedAgents({ settings, environment }: ServerParts): Map<string, Agent> {
  return new Map(
    catalogue.flatMap((entry) => {
      const driver = driverOf(entry);
      if (!driver) return [];
      const command = (): string | null => findCommand(entry, settings, environment);
      const { limits = {}, install } = entry;
      // Asked for at each start, so that each process has secrets of its own.
      const newSecret = (): string => randomBytes(24).toString('base64url');
      const env = (): Record<string, string> => ({
        ...agentEnvironment(environment, entry, settings),
        ...agentSecrets(entry, newSecret),
      });
      return [[entry.agent, { driver, command, environment: env, limits, install }]];
    }),
  );
}

function healthSettings(settings: Settings): HealthSettings {
  const hour = 3_600_000;
  return {
    intervalMs: settings.healthCheckIntervalSeconds * 1_000,
    expireAfterMs: settings.sessionTimeoutHours * hour,
    warnAfterMs: settings.sessionWarningHours * hour,
    stallMs: settings.stallMinutes * 60_000,
    modelTimeoutMs: settings.modelTimeoutMinutes * 60_000,
    limits: { memoryMb: settings.maxMemoryPerSessionMb, cpuPercent: settings.cpuUsageLimitPercent },
    totalMemoryMb: settings.maxTotalMemoryGb * 1024,
  };
}
