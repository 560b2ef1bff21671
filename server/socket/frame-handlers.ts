import type { FrameOf, IncomingType } from '../contracts/frames-in.ts';
import type { ResultOf } from '../contracts/frames-out.ts';
import type { ReaderParts } from '../events/reader.ts';
import type { SessionCommands } from '../sessions/commands.ts';
import type { SessionQueries } from '../sessions/queries.ts';
import type { Terminals } from '../sessions/terminal/terminals.ts';
import type { TerminalSize } from '../contracts/terminal.ts';

/** A handler for every frame that may come in: leaving one out does not compile. */
export type FrameHandlers = { [T in IncomingType]: (payload: FrameOf<T>['payload']) => Promise<ResultOf<T>> };

/** What frames are answered with. */
export interface FrameApi {
  commands: SessionCommands;
  queries: SessionQueries;
  terminals: Terminals;
  readers: ReaderParts;
  /** Takes down the device token that came with a message, which goes on whatever becomes of it. */
  devices: { registerSender: (owner: string, deviceToken: string) => void };
}

export interface FrameContext {
  api: FrameApi;
  owner: string;
  /** Follows a session from a cursor; returns how far it has come. */
  attach: (sessionId: string, after: number) => number;
  detach: (sessionId: string) => void;
  /** The socket is that of this device. Throws `device-not-found`. */
  identify: (deviceId: string) => void;
  /** The socket's device shows this session, or none. */
  focus: (sessionId: string | null) => void;
}

/** Terminals of which one socket's sizes are remembered. */
const MOST_SIZES = 200;
const noted = { success: true } as const;

/** The same commands as over HTTP. */
export function frameHandlers({ api: { commands, queries, devices, terminals }, owner, ...socket }: FrameContext): FrameHandlers {
  /** How large this socket's client shows each terminal. */
  const sizes = new Map<string, TerminalSize>();
  const status = (id: string): ResultOf<'session.cancel'> => ({ ...queries.status(commands.find(owner, id)), success: true });
  const view = (id: string): ResultOf<'session.create'> => queries.session(commands.find(owner, id));
  return {
    'client.hello': async ({ deviceId }) => {
      if (deviceId != null) socket.identify(deviceId);
      return noted;
    },
    'session.attach': async ({ sessionId, after }) => {
      const cursor = socket.attach(sessionId, after);
      commands.wake(owner, sessionId);
      return { sessionId, cursor };
    },
    'session.detach': async ({ sessionId }) => {
      socket.detach(sessionId);
      return noted;
    },
    'session.focus': async ({ sessionId }) => {
      if (sessionId !== null) commands.wake(owner, sessionId);
      socket.focus(sessionId);
      return noted;
    },
    'session.send': (payload) => {
      // Before the message, whose answer may be there sooner than anything that is done after it.
      if (payload.deviceToken !== undefined) devices.registerSender(owner, payload.deviceToken);
      return commands.send({ owner }, payload);
    },
    'session.cancel': async ({ sessionId }) => {
      await commands.cancel(owner, sessionId);
      return status(sessionId);
    },
    'session.approve': ({ sessionId, approvalId, ...decision }) => commands.decide(owner, sessionId, approvalId, decision),
    'session.answer': ({ sessionId, questionId, ...answers }) => commands.answer(owner, sessionId, questionId, answers),
    'session.close': async ({ sessionId }) => {
      await commands.stop(owner, sessionId);
      return status(sessionId);
    },
    'session.list': async (query) => queries.list(owner, query),
    'session.create': async (payload) => view((await commands.create({ owner }, payload)).id),
    'session.rename': async ({ sessionId, name }) => {
      commands.patch(owner, sessionId, { name });
      return view(sessionId);
    },
    'session.delete': async ({ sessionId }) => {
      await commands.remove(owner, sessionId);
      return { success: true, sessionId };
    },
    'terminal.input': ({ sessionId, ...keys }) => terminals.input(owner, sessionId, { ...keys, ...sizes.get(sessionId) }),
    'terminal.resize': ({ sessionId, cols, rows }) => {
      // As in tmux itself: the size is that of the device where it was typed last.
      if (sizes.size < MOST_SIZES || sizes.has(sessionId)) sizes.set(sessionId, { cols, rows });
      return terminals.input(owner, sessionId, { cols, rows });
    },
    'terminal.screen': ({ sessionId, lines }) => terminals.screen(owner, sessionId, lines),
    'session.history': async ({ sessionId, ...query }) => queries.messages(commands.find(owner, sessionId), query),
  };
}
