import type { Request, Response } from 'express';
import type { ReaderParts } from '../events/reader.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Tickets } from '../auth/tickets.ts';
import type { SessionCommands } from '../sessions/commands.ts';
import type { SessionQueries } from '../sessions/queries.ts';
import type { AgentsView, HealthView, ProjectsView, ReadyView } from '../contracts/server-views.ts';
import type { SessionMetricsView } from '../contracts/metrics-views.ts';
import type { ActiveView } from '../contracts/views.ts';
import type { HeldRequests } from './held-requests.ts';

/** What the handlers work with; made once by the composition root. */
export interface Api {
  commands: SessionCommands;
  queries: SessionQueries;
  readers: ReaderParts;
  tickets: Tickets;
  held: HeldRequests;
  clock: Clock;
  logger: Logger;
  dataDir: string;
  latestIncarnation: (sessionNum: number) => string | null;
  active: (owner: string) => Promise<ActiveView>;
  figures: { contentType: string; text: () => Promise<string>; view: () => Promise<SessionMetricsView> };
  projects: () => Promise<ProjectsView>;
  agents: () => AgentsView;
  health: () => HealthView;
  ready: () => Promise<ReadyView>;
  openapi: () => { openapi: string };
}

/** One request, for handlers that need more than its parsed parts. */
export interface RequestContext {
  owner: string;
  request: Request;
  response: Response;
  /** Aborted when the client is gone. */
  gone: AbortSignal;
}
