import { z } from 'zod';
import { AnsweredView, ApprovalView } from './asked.ts';
import type { IncomingType } from './frames-in.ts';
import { RequestId } from './frames-in.ts';
import { Time } from './ids.ts';
import { ScreenView, TerminalInputView } from './terminal.ts';
import { Problem } from './server-views.ts';
import { ActedView, AnyEvent, ChatAccepted, DeletedView, MessagesPage, SessionsPage, SessionView } from './views.ts';

const Attached = z.object({ sessionId: z.uuid(), cursor: z.number().int().min(0) });
const Noted = z.object({ success: z.literal(true) });

/** What `result` carries, by the type of the frame that it answers. */
export const frameResults = {
  'client.hello': Noted,
  'session.attach': Attached,
  'session.detach': Noted,
  'session.focus': Noted,
  'session.send': ChatAccepted,
  'session.cancel': ActedView,
  'session.approve': ApprovalView,
  'session.answer': AnsweredView,
  'session.close': ActedView,
  'session.list': SessionsPage,
  'session.create': SessionView,
  'session.rename': SessionView,
  'session.delete': DeletedView,
  'session.history': MessagesPage,
  'terminal.input': TerminalInputView,
  'terminal.resize': TerminalInputView,
  'terminal.screen': ScreenView,
} as const satisfies Record<IncomingType, z.ZodType>;
export type ResultOf<T extends IncomingType> = z.output<(typeof frameResults)[T]>;

function frame<T extends string, P extends z.ZodType>(type: T, payload: P) {
  return z.object({ type: z.literal(type), payload, requestId: RequestId.optional() });
}

/** What the server sends over a socket, discriminated by `type`. */
export const OutgoingFrame = z.discriminatedUnion('type', [
  frame('welcome', z.object({ version: z.string(), connectionId: z.string(), heartbeatSeconds: z.number(), at: Time })),
  frame('event', AnyEvent),
  frame('gap', AnyEvent),
  frame('ahead', AnyEvent),
  frame('session.created', SessionView),
  frame('session.updated', SessionView),
  frame('session.deleted', z.object({ sessionId: z.uuid() })),
  frame('result', z.unknown()),
  frame('error', Problem),
  frame('heartbeat', z.object({ at: Time })),
]);
export type OutgoingFrame = z.output<typeof OutgoingFrame>;
