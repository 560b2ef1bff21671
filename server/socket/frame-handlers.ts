import type { FrameOf, IncomingType } from '../contracts/frames-in.ts';
import type { ResultOf } from '../contracts/frames-out.ts';
import type { ReaderParts } from '../events/reader.ts';
import type { SessionCommands } from '../sessions/commands.ts';
import type { SessionQueries } from '../sessions/queries.ts';

/** A handler for every frame that may come in: leaving one out does not compile. */
export type FrameHandlers = { [T in IncomingType]: (payload: FrameOf<T>['payload']) => Promise<ResultOf<T>> };

/** What frames are answered with. */
export interface FrameApi {
  commands: SessionCommands;
  queries: SessionQueries;
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

const noted = { success: true } as const;

/** The same commands as over HTTP. */
export function frameHandlers({ api: { commands, queries, devices }, owner, ...socket }: FrameContext): FrameHandlers {
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
    'session.create': async (payload) => view(await commands.create({ owner }, payload)),
    'session.rename': async ({ sessionId, name }) => {
      commands.patch(owner, sessionId, { name });
      return view(sessionId);
    },
    'session.delete': async ({ sessionId }) => {
      await commands.remove(owner, sessionId);
      return { success: true, sessionId };
    },
    'session.history': async ({ sessionId, ...query }) => queries.messages(commands.find(owner, sessionId), query),
  };
}
