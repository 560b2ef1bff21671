import { z } from 'zod';
import { Usage } from './events.ts';
import { Time } from './ids.ts';
import { TurnState } from './state.ts';

const count = z.number().int().min(0);
const asked = z.string().optional().describe('the beginning of the message; absent where it is not kept any more');

/** `facts` is made from the log alone; `prose` is written by the agent, in a fork of the conversation. */
export const RecapStyle = z.enum(['facts', 'prose']);
export type RecapStyle = z.output<typeof RecapStyle>;

/** What happened in a session, from its events: lists are the newest of their kind, oldest first; `counts` are whole. */
export const RecapFacts = z.object({
  since: Time.nullable().describe('the first event told of; null where nothing has happened'),
  until: Time.nullable(),
  counts: z.object({
    asked: count,
    answered: count,
    failed: count.describe('turns that failed or were interrupted'),
    cancelled: count,
    fileChanges: count,
    commands: count,
    failedCommands: count,
  }),
  asked: z.array(z.object({ turnId: z.uuid(), text: z.string(), at: Time })),
  done: z.array(z.object({ turnId: z.uuid(), asked, answer: z.string().describe('its first lines'), at: Time })),
  failed: z.array(
    z.object({
      turnId: z.uuid(),
      asked,
      state: z.enum(['failed', 'interrupted', 'cancelled']),
      code: z.string(),
      detail: z.string(),
      at: Time,
    }),
  ),
  files: z.array(z.object({ path: z.string(), changes: count, at: Time })),
  commands: z.array(
    z.object({
      command: z.string(),
      outcome: z.enum(['ok', 'failed', 'refused', 'unfinished']),
      output: z.string().optional().describe('the last line that a failed one printed'),
      at: Time,
    }),
  ),
  exits: z.array(z.object({ reason: z.string(), at: Time })).describe('ends of its process that nobody asked for'),
  waiting: z
    .array(z.object({ kind: z.enum(['approval', 'question']), id: z.string(), title: z.string(), at: Time }))
    .describe('what waits for its owner now, whenever it was asked'),
  running: z.object({ turnId: z.uuid(), state: TurnState, asked, tool: z.string().optional(), at: Time }).nullable(),
  queued: count,
  costUsd: z.number().nullable().describe('null where no turn told its cost'),
  usage: Usage,
});
export type RecapFacts = z.output<typeof RecapFacts>;

export const Recap = z.object({
  text: z.string(),
  from: count.describe('the cursor after which it tells; not always the one that was asked for'),
  cursor: count.describe('the last seq that it knows of: the `after` of the next recap'),
  style: RecapStyle.describe('`facts` although `prose` was asked for where the agent could not write it: `note` says why'),
  note: z.string().optional(),
  facts: RecapFacts,
});
export type Recap = z.output<typeof Recap>;

/** The session lives on until `expiresAt` at least. */
export const KeepAliveView = z.object({ success: z.literal(true), sessionId: z.uuid(), expiresAt: Time, recap: Recap.optional() });
export type KeepAliveView = z.output<typeof KeepAliveView>;
