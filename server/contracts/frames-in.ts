import { z } from 'zod';
import { ApprovalDecision, CreateSession, QuestionAnswers, SendRequest } from './commands.ts';
import { SessionName } from './fields.ts';
import { Cursor, MessageId, PathId, SessionId } from './ids.ts';
import { SessionState } from './state.ts';
import { keyFields, oneKind, screenLines, sizeFields } from './terminal.ts';

const OneSession = z.object({ sessionId: SessionId });
const limit = (byDefault: number) => z.number().int().min(1).max(1000).default(byDefault);

/** A client's name for a request; its answer repeats it. */
export const RequestId = z.string().min(1).max(200);

function frame<T extends string, P extends z.ZodType>(type: T, payload: P) {
  return z.object({ type: z.literal(type), payload, requestId: RequestId.optional() });
}

/** What a client may send over a socket, discriminated by `type`. */
export const IncomingFrame = z.discriminatedUnion('type', [
  // deviceId: which of the owner's devices this is, so that it is not pushed what it shows.
  frame('client.hello', z.object({ clientId: z.string().min(1).max(200), deviceId: PathId.nullish() })),
  frame('session.attach', z.object({ sessionId: SessionId, after: Cursor.default(0) })),
  frame('session.detach', OneSession),
  // null: no session is in the foreground of this device any more.
  frame('session.focus', z.object({ sessionId: SessionId.nullable() })),
  frame('session.send', SendRequest),
  frame('session.cancel', OneSession),
  frame('session.approve', ApprovalDecision.extend({ sessionId: SessionId, approvalId: PathId })),
  frame('session.answer', QuestionAnswers.extend({ sessionId: SessionId, questionId: PathId })),
  frame('session.close', OneSession),
  frame(
    'session.list',
    z
      .object({
        status: SessionState.optional(),
        agent: z.string().optional(),
        project: z.string().optional(),
        label: z.string().optional(),
        text: z.string().optional(),
        limit: limit(50),
        before: z.string().optional(),
      })
      .prefault({}),
  ),
  frame('session.create', CreateSession),
  frame('session.rename', z.object({ sessionId: SessionId, name: SessionName })),
  frame('session.delete', OneSession),
  frame(
    'terminal.input',
    z
      .object({ sessionId: SessionId, ...keyFields })
      .refine(oneKind, { path: ['data'], error: 'goes without text' })
      .refine(({ text, data }) => (text ?? data) !== undefined, { error: 'needs text or data' }),
  ),
  frame('terminal.resize', z.object({ sessionId: SessionId, ...sizeFields })),
  frame('terminal.screen', z.object({ sessionId: SessionId, lines: screenLines })),
  frame('session.history', z.object({ sessionId: SessionId, before: MessageId.optional(), limit: limit(50) })),
]);
export type IncomingFrame = z.output<typeof IncomingFrame>;
export type IncomingType = IncomingFrame['type'];
/** The frame of one type. */
export type FrameOf<T extends IncomingType> = Extract<IncomingFrame, { type: T }>;
