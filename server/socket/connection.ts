import type { WebSocket } from 'ws';
import type { FrameOf, IncomingFrame } from '../contracts/frames-in.ts';
import { parseFrame } from '../contracts/parse-frame.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import { Reader } from '../events/reader.ts';
import { AppError } from '../platform/app-error.ts';
import { isoTime, type Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { problemOf } from '../platform/problem.ts';
import { frameHandlers, type FrameApi, type FrameHandlers } from './frame-handlers.ts';
import { Pulse, type PresenceFeed } from './pulse.ts';
import { SocketSink } from './socket-sink.ts';

export interface ConnectionParts {
  api: FrameApi;
  presence: PresenceFeed;
  clock: Clock;
  logger: Logger;
  version: string;
  newId: () => string;
}

const HEARTBEAT_SECONDS = 30;
/** Sessions that one socket can follow. */
const MAX_ATTACHED = 200;
/** Frames that one socket may have under way. */
const MAX_UNDER_WAY = 100;
const SHOWN_CHANGES = new Set([
  'turn.accepted',
  'turn.started',
  'turn.waiting',
  'turn.resumed',
  'turn.completed',
  'turn.failed',
  'turn.cancelled',
  'turn.interrupted',
  'session.created',
  'session.renamed',
  'session.updated',
  'session.ready',
  'session.exited',
  'session.failed',
  'session.archived',
  'session.paused',
  'session.resumed',
]);

/** One socket of one owner: frames in, results and events out. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #socket: WebSocket;
  readonly #id: string;
  readonly #owner: string;
  readonly #only: string | null;
  readonly #sink: SocketSink;
  readonly #pulse: Pulse;
  readonly #readers = new Map<string, Reader>();
  readonly #handlers: FrameHandlers;
  readonly #leave: (() => void)[] = [];
  #underWay = 0;
  #answeredPing = true;

  /** `only`: the one session of a stream's socket. */
  constructor(parts: ConnectionParts, socket: WebSocket, owner: string, only: string | null) {
    this.#parts = parts;
    this.#socket = socket;
    this.#owner = owner;
    this.#only = only;
    this.#sink = new SocketSink(socket);
    this.#id = parts.newId();
    this.#pulse = new Pulse(parts, { id: this.#id, owner, ask: () => socket.ping() });
    this.#handlers = frameHandlers({
      api: parts.api,
      owner,
      attach: (id, after) => this.#attach(id, after),
      detach: (id) => this.#detach(id),
      identify: (deviceId) => this.#pulse.identify(deviceId),
      focus: (sessionId) => this.#pulse.focus(sessionId),
    });
  }

  /** Greets, attaches where the socket is for one session, and listens. */
  open(after: number): void {
    const { clock, version, api } = this.#parts;
    this.#socket.on('message', (bytes: Buffer) => {
      this.#pulse.felt();
      void this.#receive(bytes.toString('utf8'));
    });
    this.#socket.on('pong', () => {
      this.#answeredPing = true;
      this.#pulse.felt();
    });
    this.#socket.on('error', (error) => this.#parts.logger.debug({ error }, 'a socket failed'));
    this.#socket.once('close', () => this.#closed());
    const welcome = { version, connectionId: this.#id, heartbeatSeconds: HEARTBEAT_SECONDS, at: isoTime(clock.now()) };
    this.#send({ type: 'welcome', payload: welcome });
    this.#leave.push(api.readers.log.onDeleted((sessionId) => this.#deleted(sessionId)));
    if (this.#only !== null) {
      this.#attach(this.#only, after);
      return api.commands.wake(this.#owner, this.#only);
    }
    this.#leave.push(api.readers.log.subscribeAll((events) => this.#showChanges(events)));
  }

  /** Asks for a sign of life; a socket that gave none to the last question is ended. */
  ping(): void {
    if (!this.#answeredPing) return this.#socket.terminate();
    this.#answeredPing = false;
    this.#socket.ping();
    this.#send({ type: 'heartbeat', payload: { at: isoTime(this.#parts.clock.now()) } });
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), 1_000).unref();
  }

  async #receive(text: string): Promise<void> {
    let requestId: string | undefined;
    try {
      if (this.#underWay >= MAX_UNDER_WAY)
        throw new AppError('rate-limited', 'Too many frames are under way on this socket; wait for results.');
      const frame = parseFrame(text, this.#only);
      requestId = frame.requestId;
      this.#underWay += 1;
      try {
        const payload = await this.#handle(frame);
        this.#send({ type: 'result', payload, ...(requestId === undefined ? {} : { requestId }) });
      } finally {
        this.#underWay -= 1;
      }
    } catch (error) {
      if (!(error instanceof AppError)) this.#parts.logger.error({ error }, 'a frame failed');
      requestId ??= error instanceof AppError ? (error.extras.members?.['requestId'] as string | undefined) : undefined;
      this.#send({ type: 'error', payload: problemOf(error), ...(requestId === undefined ? {} : { requestId }) });
    }
  }

  #handle(frame: IncomingFrame): Promise<unknown> {
    if (this.#only !== null) {
      const { payload } = frame;
      const other = 'sessionId' in payload && typeof payload.sessionId === 'string' && payload.sessionId !== this.#only;
      if (other) throw new AppError('session-not-found', 'This socket is for one session; use /ws for others.');
    }
    const handler = this.#handlers[frame.type] as (payload: FrameOf<typeof frame.type>['payload']) => Promise<unknown>;
    return handler(frame.payload);
  }

  #attach(id: string, after: number): number {
    const session = this.#parts.api.commands.find(this.#owner, id);
    this.#detach(id);
    if (this.#readers.size >= MAX_ATTACHED)
      throw new AppError('rate-limited', `A socket can follow ${MAX_ATTACHED} sessions; detach some.`);
    const reader = new Reader(this.#parts.api.readers, session, after, this.#sink);
    this.#readers.set(id, reader);
    reader.start();
    return reader.cursor;
  }

  #detach(id: string): void {
    this.#readers.get(id)?.close();
    this.#readers.delete(id);
  }

  #deleted(id: string): void {
    this.#detach(id);
    if (this.#only === null || this.#only === id) this.#send({ type: 'session.deleted', payload: { sessionId: id } });
  }

  /** Other devices of this owner see what a session has become. */
  #showChanges(events: readonly StoredEvent[]): void {
    const last = events.findLast((event) => SHOWN_CHANGES.has(event.kind));
    if (!last || this.#sink.isSlow) return;
    const { commands, queries } = this.#parts.api;
    try {
      const view = queries.session(commands.find(this.#owner, last.sessionId));
      const created = events.some((event) => event.kind === 'session.created');
      this.#send({ type: created ? 'session.created' : 'session.updated', payload: view });
    } catch (error) {
      if (!(error instanceof AppError)) throw error; // another owner's session
    }
  }

  #send(frame: { type: string; payload: unknown; requestId?: string }): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #closed(): void {
    this.#pulse.stop();
    for (const leave of this.#leave) leave();
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }
}
