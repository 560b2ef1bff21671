import type { Request, Response } from 'express';
import type { ReaderParts } from '../events/reader.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Tickets } from '../auth/tickets.ts';
import type { SessionCommands } from '../sessions/commands.ts';
import type { SessionQueries } from '../sessions/queries.ts';
import type { Terminals } from '../sessions/terminal/terminals.ts';
import type { ActivitiesView, ActivityView, RegisterActivity } from '../contracts/activities.ts';
import type {
  DeliveriesPage,
  DeliveriesQuery,
  DevicesPage,
  DevicesQuery,
  DeviceView,
  PatchDevice,
  Receipts,
  RegisterDevice,
} from '../contracts/devices.ts';
import type { AgentsView, HealthView, ProjectsView, ReadyView } from '../contracts/server-views.ts';
import type { SessionMetricsView } from '../contracts/metrics-views.ts';
import type { ActiveView } from '../contracts/views.ts';
import type { HeldRequests } from './held-requests.ts';

/** The devices of each owner; another owner's are `device-not-found`. */
export interface DeviceDesk {
  register: (
    owner: string,
    registration: Omit<RegisterDevice, 'platform'> & { platform?: RegisterDevice['platform'] },
  ) => { device: DeviceView; created: boolean };
  /** For the token that came with a message, which goes on whatever becomes of it. */
  registerSender: (owner: string, deviceToken: string) => void;
  list: (owner: string, query: DevicesQuery) => DevicesPage;
  view: (owner: string, id: string) => DeviceView;
  patch: (owner: string, id: string, patch: PatchDevice) => DeviceView;
  remove: (owner: string, id: string) => void;
  test: (owner: string, id: string) => { pushId: string };
  deliveries: (owner: string, id: string, query: DeliveriesQuery) => DeliveriesPage;
  receipts: (owner: string, id: string, receipts: Receipts) => { recorded: number; unknown: number };
}

/** The live activities on the devices of each owner. */
export interface ActivityDesk {
  register: (owner: string, deviceId: string, asked: RegisterActivity) => { activity: ActivityView; created: boolean };
  list: (owner: string, deviceId: string) => ActivitiesView;
  /** By its id or by that of the app; gives its id. */
  remove: (owner: string, deviceId: string, id: string) => string;
}

/** What the handlers work with; made once by the composition root. */
export interface Api {
  commands: SessionCommands;
  queries: SessionQueries;
  terminals: Terminals;
  devices: DeviceDesk;
  activities: ActivityDesk;
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
  agents: (owner: string) => Promise<AgentsView>;
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
