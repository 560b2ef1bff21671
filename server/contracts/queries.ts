import { z } from 'zod';
import { eventData } from './events.ts';
import { AgentName, pageLimit, ProjectPath, queryNumber } from './fields.ts';
import { MessageId, PathId, SessionId } from './ids.ts';
import { SessionState } from './state.ts';

const kinds = Object.values(eventData).flatMap((table) => Object.keys(table));

/** Which sessions to list, newest activity first. `before` is the `nextBefore` of the page before. */
export const SessionsQuery = z.object({
  status: SessionState.optional(),
  agent: AgentName.optional(),
  project: ProjectPath.optional(),
  label: z.string().min(1).max(50).optional(),
  text: z.string().min(1).max(200).optional(),
  limit: pageLimit(50),
  before: z.string().min(1).max(500).optional(),
});
export type SessionsQuery = z.output<typeof SessionsQuery>;

/** The newest messages, or those before the message `before`. */
export const MessagesQuery = z.object({ before: MessageId.optional(), limit: pageLimit(50) });
export type MessagesQuery = z.output<typeof MessagesQuery>;

/** The newest messages of a session, as the published app asks for them. */
export const HistoryQuery = z.object({ session_id: SessionId, limit: pageLimit(50) });
export type HistoryQuery = z.output<typeof HistoryQuery>;

/** Events with a `seq` greater than `after`. */
export const EventsQuery = z.object({
  after: queryNumber(0, Number.MAX_SAFE_INTEGER).default(0),
  limit: pageLimit(200),
  kind: z.enum(kinds as [string, ...string[]]).optional(),
});
export type EventsQuery = z.output<typeof EventsQuery>;

/** The last lines of what a process wrote. */
export const LogsQuery = z.object({ tail: queryNumber(1, 10_000).default(200), stream: z.enum(['out', 'err', 'both']).default('both') });
export type LogsQuery = z.output<typeof LogsQuery>;

/** A reconnecting EventSource says here what it has seen; it wins over `after`. */
export const StreamHeaders = z.object({ 'last-event-id': queryNumber(0, Number.MAX_SAFE_INTEGER).optional() });

/** A name that a client gives to a request, so that repeating it does nothing twice. */
export const IdempotencyHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x20-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters')
    .optional(),
});

export const SessionParams = z.object({ id: PathId });
export const MessageParams = z.object({ id: PathId });
export const ActivityParams = z.object({ id: PathId, activityId: PathId });
/** What an agent asked, newest first. `before` is the `nextBefore` of the page before. */
export const AskedQuery = z.object({
  state: z.enum(['open', 'decided', 'all']).default('all'),
  kind: z.enum(['approval', 'question']).optional(),
  limit: pageLimit(50),
  before: z.string().min(1).max(500).optional(),
});
export type AskedQuery = z.output<typeof AskedQuery>;

/** The same in all sessions of a user; what is open, unless it says otherwise. */
export const InboxQuery = AskedQuery.extend({ state: AskedQuery.shape.state.unwrap().default('open') });

export const ApprovalParams = z.object({ id: PathId, approvalId: PathId });
export const QuestionParams = z.object({ id: PathId, questionId: PathId });
