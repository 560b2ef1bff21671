import { packageVersion } from '../config/package-version.ts';
import type { Settings } from '../config/settings.ts';
import type { AgentVersions } from './agent-versions.ts';
import { agentsHealth, agentsView } from './agents-view.ts';
import { Tickets } from './auth/tickets.ts';
import { openApiDocument } from './contracts/openapi.ts';
import { type Companion } from './companion.ts';
import type { Figures } from './figures.ts';
import { readiness } from './health.ts';
import type { Api } from './http/context.ts';
import { HeldRequests } from './http/held-requests.ts';
import type { Push } from './push/push.ts';
import { activeView } from './sessions/active.ts';
import type { Archive } from './sessions/archive/archive.ts';
import type { HealthMonitor } from './sessions/health/health-monitor.ts';
import type { Spares } from './sessions/pool/spares.ts';
import { SessionCommands } from './sessions/commands.ts';
import type { Agent, SessionContext } from './sessions/context.ts';
import { memoryByAgent } from './sessions/pool/agent-memory.ts';
import type { InteractiveSessionPool } from './sessions/pool/pool.ts';
import { ProjectFinder } from './sessions/projects/project-finder.ts';
import { SessionQueries } from './sessions/queries.ts';
import type { Recaps } from './sessions/recap/recaps.ts';
import { Terminals } from './sessions/terminal/terminals.ts';
import type { Pushes } from './sessions/turns/delivery.ts';

export interface ApiParts {
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
}

/** What the doors call, from the parts that the composition root made. */
export function makeApi(parts: ApiParts): Api {
  const { settings, context, pool, archive, figures, recaps, spares, monitor, agents, versions, pushes } = parts;
  const { store, log, clock, logger } = context;
  const expiresAfterMs = settings.sessionTimeoutHours * 3_600_000;
  const queries = new SessionQueries(store, pool, clock, expiresAfterMs);
  const { defaultAgent, projectRoots, permissionMode } = settings;
  const commands = new SessionCommands({
    ...{ context, pool, archive, spares, recaps, pushes, expiresAfterMs },
    settings: { defaultAgent, projectRoots, permissionMode },
  });
  const terminals = new Terminals(pool, (owner, id) => commands.find(owner, id));
  const snapshot = (session: { id: string }): unknown => {
    const row = store.sessions.byId(session.id);
    return row ? queries.session(row) : null;
  };
  const finder = new ProjectFinder(projectRoots, clock);
  const startedAt = clock.monotonic();
  let document: ReturnType<typeof openApiDocument> | undefined;
  const sqlite = store.db.prepare<[], { v: string }>('SELECT sqlite_version() AS v').get()?.v ?? 'unknown';
  return {
    ...{ commands, queries, terminals, figures, clock, logger },
    readers: { store, log, clock, snapshot },
    devices: parts.companion.devices,
    activities: parts.push.activities,
    tickets: new Tickets(clock),
    held: new HeldRequests(),
    projects: () => finder.find(),
    dataDir: settings.dataDir,
    latestIncarnation: (num) => store.incarnations.ofSession(num)[0] ?? null,
    active: (owner) =>
      activeView({ store, pool, queries, memoryLimitMb: settings.maxTotalMemoryGb * 1024, measured: monitor.measured }, owner),
    agents: async (owner) => {
      await versions.learn(agents);
      const totals = new Map(store.sessions.totals(owner).map(({ agent, ...total }) => [agent, total]));
      const memory = memoryByAgent(pool.live, monitor.measured);
      return agentsView({ installed: agents, versions, defaultAgent, lastState: store.incarnations.lastReady, memory, totals });
    },
    health: () => ({
      status: 'ok',
      version: packageVersion,
      uptimeSeconds: Math.round((clock.monotonic() - startedAt) / 100) / 10,
      node: process.version,
      sqlite,
      push: parts.push.health(),
      pool: { live: pool.live.length, max: pool.max, effectiveMax: pool.effectiveMax, waiting: pool.waiting },
      agents: agentsHealth(agents, versions),
    }),
    ready: async () => readiness({ store, pool, ...settings }),
    // Made when somebody asks: it would stand in memory for nothing.
    openapi: () => (document ??= openApiDocument(packageVersion)),
  };
}
