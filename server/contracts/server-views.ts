import { z } from 'zod';
import type { ErrorCode } from '../platform/error-codes.ts';
import { errorCodes } from '../platform/error-codes.ts';
import { Usage } from './events.ts';
import { Time } from './ids.ts';
import { PermissionMode } from './state.ts';

// What clients get to know about the server itself, and how it says no.

const slots = z.number().int().min(0);
const AgentHealth = z.object({ agent: z.string(), installed: z.boolean(), version: z.string().optional() });

/** The process answers. Needs no token. */
export const HealthView = z.object({
  status: z.literal('ok'),
  version: z.string(),
  uptimeSeconds: z.number().min(0),
  node: z.string(),
  sqlite: z.string(),
  pool: z.object({ live: slots, max: slots, effectiveMax: slots, waiting: slots }),
  push: z.object({
    state: z
      .enum(['off', 'ready', 'failing'])
      .describe('off: not set up; failing: the push service refuses everything, or does not answer'),
    detail: z.string().optional(),
    queued: slots.describe('pushes that wait or are under way'),
  }),
  agents: z.array(AgentHealth),
});
export type HealthView = z.output<typeof HealthView>;

/** Whether work can be taken on, and which check says no. Needs no token. */
export const ReadyView = z.object({
  ready: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string().optional() })),
});
export type ReadyView = z.output<typeof ReadyView>;

/** A credential for one WebSocket connection, used up by it. */
export const TicketView = z.object({ ticket: z.string(), expiresAt: Time });
export type TicketView = z.output<typeof TicketView>;

/** Which agents this machine can run, and what each can do. */
export const AgentsView = z.object({
  agents: z.array(
    AgentHealth.extend({
      command: z.string().nullable().describe('absolute path of the program'),
      isDefault: z.boolean(),
      signedIn: z
        .enum(['yes', 'no', 'unknown'])
        .describe('as far as its files and variables tell; yes also where it needs no account. Its service is not asked'),
      capabilities: z.object({
        images: z.boolean(),
        resume: z.boolean(),
        cancel: z.boolean(),
        approvals: z.boolean(),
        fork: z.boolean().describe('it can begin a conversation as a copy of another'),
        terminal: z.boolean().describe('it takes input in place of messages'),
        modes: z.array(PermissionMode),
        models: z.boolean().describe('its model can be chosen'),
        effort: z.array(z.string()).describe('how hard its model can be told to think; empty where that cannot be said'),
      }),
      memory: z
        .object({ processes: slots, medianMb: z.number().min(0), largestMb: z.number().min(0) })
        .nullable()
        .describe('of its live processes, each with its children, as last measured; null where none was'),
      totals: z
        .object({ sessions: slots, usage: Usage, costUsd: z.number().min(0).nullable() })
        .describe('what your conversations with it used; costUsd is null where none was reported'),
      hint: z.string().optional().describe('what to do before it can be used, in sentences'),
    }),
  ),
});
export type AgentsView = z.output<typeof AgentsView>;

/** What kind of project a folder holds, by what lies in it. */
export const ProjectType = z.enum(['node', 'swift', 'python', 'rust', 'go', 'git', 'folder']);
export type ProjectType = z.output<typeof ProjectType>;

/** Folders that an agent can work in, by name. `basePath` is the first of PROJECT_ROOTS. */
export const ProjectsView = z.object({
  basePath: z.string(),
  projects: z.array(z.object({ name: z.string(), path: z.string(), type: ProjectType })),
  truncated: z.boolean().describe('there were too many folders, or looking took too long'),
  warnings: z.array(z.string()).optional().describe('roots that could not be read, a sentence each'),
});
export type ProjectsView = z.output<typeof ProjectsView>;

/** The OpenAPI description itself. */
export const OpenApiDocument = z.looseObject({ openapi: z.string() });

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

/** Every error of the API: RFC 9457 problem details with a stable `code`; `error` is `detail` under an older name. */
export const Problem = z.looseObject({
  type: z.string().describe('urn:holdfast:error:<code>'),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.enum(codes),
  error: z.string(),
  instance: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});
export type Problem = z.output<typeof Problem>;
