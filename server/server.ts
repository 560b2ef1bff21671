import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { agentEnvironment } from '../config/agent-env.ts';
import { agents as catalogue } from '../config/agents.ts';
import { findCommand } from '../config/find-command.ts';
import { packageVersion } from '../config/package-version.ts';
import type { Settings } from '../config/settings.ts';
import { AgentVersions, agentsView } from './agents-view.ts';
import { drivers } from './agents/catalogue.ts';
import { Tickets } from './auth/tickets.ts';
import { loadToken, TokenCheck } from './auth/token.ts';
import { openApiDocument } from './contracts/openapi.ts';
import { makeCompanion, type Companion } from './companion.ts';
import { dataId, prepareDataDir, removeRunning, writeRunning } from './data-dir.ts';
import { Compaction } from './events/compaction.ts';
import { EventLog } from './events/event-log.ts';
import { Figures } from './figures.ts';
import { readiness } from './health.ts';
import { makeApp } from './http/app.ts';
import type { Api } from './http/context.ts';
import { HeldRequests } from './http/held-requests.ts';
import { AppError, systemCode } from './platform/app-error.ts';
import { systemClock, type Clock } from './platform/clock.ts';
import type { Logger } from './platform/logger.ts';
import { noProbe, type Probe } from './platform/probe.ts';
import { stayAwake } from './platform/stay-awake.ts';
import { Escalations } from './push/escalation.ts';
import { Presence } from './push/presence.ts';
import { Push, type PushHealth } from './push/push.ts';
import { bootId, identify } from './process/identity.ts';
import { activeView } from './sessions/active.ts';
import { RequestExpiry } from './sessions/approvals/expiry.ts';
import { Archive } from './sessions/archive/archive.ts';
import { HealthMonitor, type HealthSettings } from './sessions/health/health-monitor.ts';
import { Spares } from './sessions/pool/spares.ts';
import { SessionCommands, type SessionRow } from './sessions/commands.ts';
import type { Agent, SessionContext } from './sessions/context.ts';
import { InteractiveSessionPool } from './sessions/pool/pool.ts';
import { ProseWriter } from './sessions/recap/prose-writer.ts';
import { ProjectFinder } from './sessions/projects/project-finder.ts';
import { SessionQueries } from './sessions/queries.ts';
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
  const push = new Push({ ...context, settings, showing, random: Math.random, ended: (outcome) => figures.pushEnded(outcome) });
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
  versions.learn(agents);
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
      const driver = drivers.get(entry.driver);
      if (!driver) return [];
      const command = (): string | null => findCommand(entry, settings, environment);
      const limits = entry.limits ?? {};
      return [[entry.agent, { driver, command, environment: () => agentEnvironment(environment, entry, settings), limits }]];
    }),
  );
}

function makeApi(parts: {
  settings: Settings;
  context: SessionContext;
  pool: InteractiveSessionPool;
  archive: Archive;
  figures: Figures;
  recaps: Recaps;
  spares: Spares;
  monitor: HealthMonitor;
  agents: Map<string, Agent>;
  versions: AgentVersions;
  pushes: Pushes;
  companion: Companion;
  push: Push;
}): Api {
  const { settings, context, pool, archive, figures, recaps, spares, monitor, agents, versions, pushes } = parts;
  const { store, log, clock, logger } = context;
  const expiresAfterMs = settings.sessionTimeoutHours * 3_600_000;
  const queries = new SessionQueries(store, pool, clock, expiresAfterMs);
  const { defaultAgent, projectRoots, permissionMode } = settings;
  const commands = new SessionCommands({
    ...{ context, pool, archive, spares, recaps, pushes, expiresAfterMs },
    settings: { defaultAgent, projectRoots, permissionMode },
  });
  const snapshot = (session: { id: string }): unknown => {
    const row = store.sessions.byId(session.id);
    return row ? queries.session(row) : null;
  };
  const finder = new ProjectFinder(projectRoots, clock);
  const startedAt = clock.monotonic();
  let document: ReturnType<typeof openApiDocument> | undefined;
  const sqlite = store.db.prepare<[], { v: string }>('SELECT sqlite_version() AS v').get()?.v ?? 'unknown';
  return {
    ...{ commands, queries, figures, clock, logger },
    readers: { store, log, clock, snapshot },
    devices: parts.companion.devices,
    tickets: new Tickets(clock),
    held: new HeldRequests(),
    projects: () => finder.find(),
    dataDir: settings.dataDir,
    latestIncarnation: (num) => store.incarnations.ofSession(num)[0] ?? null,
    active: (owner) =>
      activeView({ store, pool, queries, memoryLimitMb: settings.maxTotalMemoryGb * 1024, measured: monitor.measured }, owner),
    agents: () => agentsView(agents, versions, settings),
    health: () => ({
      status: 'ok',
      version: packageVersion,
      uptimeSeconds: Math.round((clock.monotonic() - startedAt) / 100) / 10,
      node: process.version,
      sqlite,
      push: parts.push.health(),
      pool: { live: pool.live.length, max: pool.max, effectiveMax: pool.effectiveMax, waiting: pool.waiting },
      agents: agentsView(agents, versions, settings).agents.map(({ agent, installed, version }) => ({
        agent,
        installed,
        ...(version === undefined ? {} : { version }),
      })),
    }),
    ready: async () => readiness({ store, pool, ...settings }),
    // Made when somebody asks: it would stand in memory for nothing.
    openapi: () => (document ??= openApiDocument(packageVersion)),
  };
}

function healthSettings(settings: Settings): HealthSettings {
  const hour = 3_600_000;
  return {
    intervalMs: settings.healthCheckIntervalSeconds * 1_000,
    expireAfterMs: settings.sessionTimeoutHours * hour,
    warnAfterMs: settings.sessionWarningHours * hour,
    stallMs: settings.stallMinutes * 60_000,
    limits: { memoryMb: settings.maxMemoryPerSessionMb, cpuPercent: settings.cpuUsageLimitPercent },
    totalMemoryMb: settings.maxTotalMemoryGb * 1024,
  };
}

function httpServer(settings: Settings): Server {
  // Some clients offer h2c with every request: that is declined by answering as if it had not been offered.
  const shouldUpgradeCallback = (request: IncomingMessage): boolean => /\bwebsocket\b/i.test(request.headers.upgrade ?? '');
  if (settings.tlsCertPath === undefined || settings.tlsKeyPath === undefined) return createHttpServer({ shouldUpgradeCallback });
  return createHttpsServer({
    shouldUpgradeCallback,
    cert: readFileSync(settings.tlsCertPath),
    key: readFileSync(settings.tlsKeyPath),
  });
}

function listen(server: Server, settings: Settings): Promise<string> {
  const { host, port } = settings;
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const taken = systemCode(error) === 'EADDRINUSE';
      const sentence = taken
        ? `Port ${port} of ${host} is taken. Stop what uses it, or set PORT.`
        : `Cannot listen on ${host}:${port}: ${error.message}.`;
      reject(new AppError('bad-setting', sentence, { cause: error }));
    });
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      resolve(`${settings.tlsCertPath === undefined ? 'http' : 'https'}://${name}:${address.port}`);
    });
  });
}
