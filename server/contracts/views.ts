import { z } from 'zod';
import { AttachmentView } from './attachment.ts';
import type { EventView, noticeData } from './events.ts';
import { Event, ExitReason, Usage } from './events.ts';
import { Time } from './ids.ts';
import { FinalTurnState, PermissionMode, SessionState, TurnState } from './state.ts';

// What clients get. Every exported schema becomes a named component of openapi.json.

const count = z.number().int().min(0);
const Success = z.literal(true);
const Cursor = count.describe('the last seq that this answer knows of');

/** How the last process of a session ended. */
export const LastExit = z.object({ reason: ExitReason, exitCode: z.number().int().nullable(), signal: z.string().nullable(), at: Time });
export type LastExit = z.output<typeof LastExit>;

/** Why something did not work: a stable code and a sentence. */
export const Failure = z.object({ code: z.string(), detail: z.string() });
export type Failure = z.output<typeof Failure>;

/** The turn that is open now. */
export const TurnView = z.object({ id: z.uuid(), state: TurnState });

/** How a session is doing; short, for polling. */
export const StatusView = z.object({
  sessionId: z.uuid(),
  state: SessionState,
  agent: z.string(),
  pid: z.number().int().optional(),
  expiresAt: Time.optional(),
  turn: TurnView.optional(),
  queued: count.describe('messages that wait behind the open turn'),
  lastExit: LastExit.optional(),
  usage: Usage.describe('of all its turns, as far as its agent reported it'),
  costUsd: z.number().min(0).nullable().describe('the same; null where nothing was reported'),
});
export type StatusView = z.output<typeof StatusView>;

/** The status after something was done to a session. */
export const ActedView = StatusView.extend({ success: Success });
export type ActedView = z.output<typeof ActedView>;

/** A session, whole. */
export const SessionView = StatusView.extend({
  name: z.string(),
  projectPath: z.string(),
  mode: PermissionMode,
  model: z.string().nullable(),
  effort: z.string().nullable().describe('how hard its model is to think; null for what its agent does by itself'),
  labels: z.array(z.string()),
  createdAt: Time,
  lastActivityAt: Time,
  archivedAt: Time.optional(),
  forkedFrom: z.uuid().optional().describe('the session that this one began as a copy of'),
  cursor: Cursor,
  terminal: z.object({ command: z.string().nullable(), cols: z.number().int(), rows: z.number().int() }).optional(),
  failure: Failure.optional(),
});
export type SessionView = z.output<typeof SessionView>;

export const SessionsPage = z.object({
  sessions: z.array(SessionView),
  nextBefore: z.string().optional(),
  hasMore: z.boolean(),
});
export type SessionsPage = z.output<typeof SessionsPage>;

export const DeletedView = z.object({ success: Success, sessionId: z.uuid() });
export type DeletedView = z.output<typeof DeletedView>;

const chatAnswer = {
  success: Success,
  sessionId: z.uuid(),
  messageId: z.uuid(),
  cursor: Cursor,
  resumed: z.boolean().describe('the conversation existed before this message'),
  deliveryMethod: z.enum(['apns', 'poll']),
};

/** The message is stored and will be answered; `position` messages are before it. */
export const ChatAccepted = z.object({ ...chatAnswer, state: TurnState, position: count });
export type ChatAccepted = z.output<typeof ChatAccepted>;

/** The turn has its outcome. `content` is the answer's text, '' unless it completed. */
export const ChatCompleted = z.object({
  ...chatAnswer,
  state: FinalTurnState,
  content: z.string(),
  reply: z.object({ id: z.string(), text: z.string() }).nullable(),
  usage: Usage.nullable().describe('what the turn used; null unless it completed and its agent reported it'),
  costUsd: z.number().min(0).nullable(),
  error: Failure.optional(),
});
export type ChatCompleted = z.output<typeof ChatCompleted>;

/** One live process with its figures. */
export const ActiveSession = z.object({
  sessionId: z.uuid(),
  name: z.string(),
  agent: z.string(),
  projectPath: z.string(),
  state: SessionState,
  pid: z.number().int().nullable(),
  startedAt: Time,
  lastActivityAt: Time,
  expiresAt: Time.nullable(),
  messageCount: count,
  memoryMb: z.number().min(0),
  cpuPercent: z.number().min(0),
});
export type ActiveSession = z.output<typeof ActiveSession>;

/** Everything that is alive, and how much room there is. */
export const ActiveView = z.object({
  sessions: z.array(ActiveSession),
  /** `limitReason`: which setting or figure of the machine sets `effectiveMax`. */
  pool: z.object({ live: count, max: count, effectiveMax: count, limitReason: z.string(), available: count, waiting: count }),
  memory: z.object({ usedMb: z.number().min(0), limitMb: z.number().min(0) }),
});
export type ActiveView = z.output<typeof ActiveView>;

/** One message of a conversation. `state` is how far it has come: for an answer, that of its turn. */
export const MessageView = z.object({
  id: z.string(),
  turnId: z.uuid(),
  role: z.enum(['user', 'assistant']),
  text: z.string(),
  state: TurnState,
  createdAt: Time,
  turnState: TurnState.optional(),
  attachments: z.array(AttachmentView).optional(),
  partial: z.boolean().optional(),
});
export type MessageView = z.output<typeof MessageView>;

const metadata = z.record(z.string(), z.string());
/** One message by its id, with the members that the published companion app reads. */
export const StoredMessageView = MessageView.extend({
  sessionId: z.uuid(),
  content: z.string(),
  timestamp: z.number().int().describe('milliseconds since 1970'),
  metadata,
  result: z.object({ content: z.string(), metadata }),
});
export type StoredMessageView = z.output<typeof StoredMessageView>;

/** The newest messages of a session, oldest first, as the published companion app reads them. */
export const HistoryPage = z.object({
  messages: z.array(z.object({ id: z.string(), content: z.string(), sender: z.enum(['user', 'assistant']), timestamp: Time })),
  total: count.describe('messages of the whole session'),
  hasMore: z.boolean(),
});
export type HistoryPage = z.output<typeof HistoryPage>;

/** The newest messages that fit, oldest first. */
export const MessagesPage = z.object({ messages: z.array(MessageView), hasMore: z.boolean() });
export type MessagesPage = z.output<typeof MessagesPage>;

/** What one reader alone is told: its cursor is behind what is kept, or from another history. */
export interface ReaderNotice<K extends keyof typeof noticeData = keyof typeof noticeData> {
  sessionId: string;
  seq: number;
  at: string;
  channel: 'reader';
  kind: K;
  data: z.output<(typeof noticeData)[K]>;
}
// The union is built from a table and typed loosely; this is its exact type.
export const AnyEvent = Event as unknown as z.ZodType<EventView | ReaderNotice>;
export type AnyEvent = EventView | ReaderNotice;

export const EventsPage = z.object({ events: z.array(AnyEvent), cursor: Cursor, hasMore: z.boolean() });
export type EventsPage = z.output<typeof EventsPage>;

/** Last lines of the newest process, each stream by itself: two files have no common order. */
export const LogsView = z.object({
  sessionId: z.uuid(),
  incarnationId: z.string().nullable(),
  out: z.array(z.string()).optional(),
  err: z.array(z.string()).optional(),
  truncated: z.boolean().describe('there are earlier lines, or a line was cut'),
});
export type LogsView = z.output<typeof LogsView>;
