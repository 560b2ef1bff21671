import { z } from 'zod';
import { Attachment } from './attachment.ts';
import { AgentName, AutoResponse, DeviceName, EffortName, Labels, ModeField, ModelName, ProjectPath, SessionName } from './fields.ts';
import { Cursor, InputHash, MessageId, SessionId } from './ids.ts';
import { RecapStyle } from './recap.ts';
import { sizeFields, TerminalCommandLine } from './terminal.ts';

/** Characters that a message can have. */
const MAX_MESSAGE_CHARS = 12 * 1024 * 1024;
/** Longest time, in milliseconds, that a request may wait for its answer. */
const MAX_WAIT_MS = 3_600_000;
const DECISIONS = ['allow', 'deny', 'allow-always'] as const;

const Wait = z.union([z.boolean(), z.number().int().min(0).max(MAX_WAIT_MS)], {
  error: `must be true, false, or whole milliseconds from 0 to ${MAX_WAIT_MS}`,
});

const sendFields = {
  message: z.string().max(MAX_MESSAGE_CHARS),
  messageId: MessageId.optional(),
  sessionId: SessionId.optional(),
  projectPath: ProjectPath.optional(),
  agent: AgentName.optional(),
  mode: ModeField.optional(),
  model: ModelName.optional(),
  effort: EffortName.optional(),
  name: SessionName.optional(),
  timestamp: z.union([z.string().max(100), z.number()], { error: 'must be a string or a number' }).optional(),
  deviceToken: z.string().max(500).optional(),
  workspace: z.union([z.boolean(), z.string().max(4096)], { error: 'must be true, false or a string' }).optional(),
  autoResponse: AutoResponse.optional(),
  attachments: z.array(Attachment).max(20).optional(),
};

// Phones send null for what they don't have.
const withoutNulls = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
    : value;

interface Sent {
  message?: unknown;
  sessionId?: unknown;
  projectPath?: unknown;
  attachments?: unknown;
}

// These look at several fields, and run even when another field is wrong, so that one answer names every field.
const always = { when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null && !Array.isArray(value) };
const saysSomething = (sent: Sent) =>
  typeof sent.message !== 'string' || sent.message.trim() !== '' || (Array.isArray(sent.attachments) && sent.attachments.length > 0);
const hasPlace = (sent: Sent) => sent.projectPath !== undefined || sent.sessionId !== undefined;
const blank = { path: ['message'], error: 'must not be blank unless there are attachments', ...always };
const placeless = { path: ['projectPath'], error: 'is required where there is no sessionId', ...always };

/** A message to an agent. Fields that we don't know are ignored. */
export const ChatRequest = z.preprocess(
  withoutNulls,
  z
    .object({ ...sendFields, wait: Wait.optional() })
    .refine(saysSomething, blank)
    .refine(hasPlace, placeless),
);
export type ChatRequest = z.output<typeof ChatRequest>;

/** The same over a socket, where the answer comes as events. */
export const SendRequest = z.preprocess(withoutNulls, z.object(sendFields).refine(saysSomething, blank).refine(hasPlace, placeless));
export type SendRequest = z.output<typeof SendRequest>;

/** The published app's way to stop an agent. */
export const KillChat = z.preprocess(
  withoutNulls,
  z.object({ sessionId: SessionId, reason: z.string().max(1_000).optional(), deviceToken: z.string().max(500).optional() }),
);
export type KillChat = z.output<typeof KillChat>;

/** A session without a first message. */
export const CreateSession = z.object({
  projectPath: ProjectPath,
  agent: AgentName.optional(),
  name: SessionName.optional(),
  labels: Labels.optional(),
  mode: ModeField.optional(),
  model: ModelName.nullable().optional(),
  effort: EffortName.nullable().optional(),
  // Of a terminal.
  command: TerminalCommandLine.optional(),
  cols: sizeFields.cols.optional(),
  rows: sizeFields.rows.optional(),
});
export type CreateSession = z.output<typeof CreateSession>;

/** What can be changed about a session; `model: null` and `effort: null` go back to the agent's default. */
export const PatchSession = z
  .object({
    name: SessionName.optional(),
    labels: Labels.optional(),
    mode: ModeField.optional(),
    model: ModelName.nullable().optional(),
    effort: EffortName.nullable().optional(),
  })
  .refine((patch) => Object.values(patch).some((member) => member !== undefined), {
    error: 'needs at least one of name, labels, mode, model, effort',
  });
export type PatchSession = z.output<typeof PatchSession>;

/** What a decision may be bound to, and where it was taken: `inputHash` is that of what its owner was shown. */
const decided = { inputHash: InputHash.nullish(), device: DeviceName.nullish() };

export const ApprovalDecision = z.object({ decision: z.enum(DECISIONS), message: z.string().max(10_000).nullish(), ...decided });
export type ApprovalDecision = z.output<typeof ApprovalDecision>;

const AnswerText = z.string().max(100_000);
/** Answers by the text of their question: a label or any other text; several where the question allows that. */
export const QuestionAnswers = z.object({
  answers: z.record(
    z.string().max(10_000),
    z.union([AnswerText, z.array(AnswerText).max(100)], { error: 'must be a text of at most 100000 characters, or a list of such' }),
  ),
  ...decided,
});
export type QuestionAnswers = z.output<typeof QuestionAnswers>;

/** A sign that somebody still cares for a session; with `action: "recap"` also what happened after the cursor `after`. */
export const KeepAlive = z.preprocess(
  withoutNulls,
  z.object({
    sessionId: SessionId,
    action: z.literal('recap').optional(),
    style: RecapStyle.default('facts'),
    after: Cursor.default(0),
  }),
);
export type KeepAlive = z.output<typeof KeepAlive>;

/** A copy of a conversation; without a name it gets the parent's. */
export const ForkSession = z.object({ name: SessionName.optional() });
export type ForkSession = z.output<typeof ForkSession>;
