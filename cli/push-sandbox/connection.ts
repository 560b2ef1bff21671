import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TokenUse } from './provider-tokens.ts';

/** What happens to streams that are under way when a connection ends: answered, or left unprocessed. */
export type InFlight = 'finish' | 'refuse';

/** What is known of a connection from outside. */
export interface ConnectionView {
  number: number;
  streams: number;
  /** Streams that it ever had. */
  served: number;
  state: 'open' | 'going-away';
}

/** A client that takes no answers must not keep a cut from coming, in milliseconds. */
const MOST_CUT_MS = 200;

/** One client's HTTP/2 connection. */
export class Connection {
  readonly number: number;
  readonly use: TokenUse;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #streams = new Set<ServerHttp2Stream>();
  /** Streams whose answer was given, and may not have been written yet. */
  readonly #answered = new Set<ServerHttp2Stream>();
  #served = 0;
  #lastStream = 0;
  /** Streams behind this one are not processed any more; null before a GOAWAY. */
  #end: number | null = null;
  #cutting = false;
  /** Streams at a time: what the client has been told, and what it will be told when it has shown a valid provider token. */
  #told: number;
  #trusted: number;

  constructor(number: number, session: ServerHttp2Session, socket: Socket, use: TokenUse, streams: { told: number; trusted: number }) {
    this.number = number;
    this.use = use;
    this.#session = session;
    this.#socket = socket;
    this.#told = streams.told;
    this.#trusted = streams.trusted;
  }

  get view(): ConnectionView {
    const state = this.#end === null ? 'open' : 'going-away';
    return { number: this.number, streams: this.#streams.size, served: this.#served, state };
  }

  /** Notes a stream for as long as it is open. */
  open(stream: ServerHttp2Stream): void {
    this.#served++;
    this.#lastStream = Math.max(this.#lastStream, stream.id ?? 0);
    this.#streams.add(stream);
    stream.once('close', () => {
      this.#streams.delete(stream);
      this.#answered.delete(stream);
      this.#leaveWhenDone();
      this.#breakWhenAnswered();
    });
  }

  /** Notes that a stream was answered. */
  answered(stream: ServerHttp2Stream): void {
    if (!stream.closed) this.#answered.add(stream);
  }

  /** Whether a stream was left behind by a GOAWAY or a cut. */
  leftBehind(stream: ServerHttp2Stream): boolean {
    return this.#end !== null && (stream.id ?? Infinity) > this.#end;
  }

  /** The client has shown a valid provider token: from now on it may have many streams. */
  trust(): void {
    if (this.#told !== this.#trusted) this.#tell(this.#trusted);
  }

  /** Says how many streams a client may have open at a time. */
  allowStreams(most: number): void {
    const trusted = this.#told === this.#trusted;
    this.#trusted = most;
    if (trusted || most < this.#told) this.#tell(most);
  }

  /** Sends GOAWAY; the connection ends when its last stream has. With `refuse`, `upTo` is the last stream that is processed; by default none of those under way is. */
  goAway(inFlight: InFlight, reason: string, upTo?: number): void {
    if (this.#session.destroyed || this.#end !== null) return;
    this.#end = inFlight === 'finish' ? this.#lastStream : (upTo ?? this.#beforeOpen());
    // Node takes 0 for the newest stream; the resets say the same then.
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, this.#end, Buffer.from(JSON.stringify({ reason })));
    for (const stream of this.#streams) if (this.leftBehind(stream)) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    this.#leaveWhenDone();
  }

  /** Destroys the socket: the client gets no word, but the answers that were given before. Nothing is processed any more. */
  cut(): void {
    this.#end = -1;
    this.#cutting = true;
    this.#breakWhenAnswered();
    setTimeout(() => this.#socket.destroy(), MOST_CUT_MS).unref();
  }

  /** The last stream before all that are under way: a client's streams have odd numbers. */
  #beforeOpen(): number {
    const first = Math.min(this.#lastStream + 2, ...[...this.#streams].map((stream) => stream.id ?? Infinity));
    return Math.max(0, first - 2);
  }

  #tell(most: number): void {
    if (this.#session.destroyed || this.#session.closed) return;
    this.#told = most;
    this.#session.settings({ maxConcurrentStreams: most });
  }

  #breakWhenAnswered(): void {
    // The session writes what it has at the end of this turn of the event loop.
    if (this.#cutting && this.#answered.size === 0) setImmediate(() => this.#socket.destroy());
  }

  #leaveWhenDone(): void {
    if (this.#end === null || this.#cutting || this.#streams.size > 0) return;
    // What was written is still on its way; then the session closes, and its socket with it.
    setImmediate(() => this.#session.close());
  }
}
