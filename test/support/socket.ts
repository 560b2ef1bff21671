import { WebSocket, type ClientOptions } from 'ws';
import { TOKEN } from './holdfast.ts';

export interface Frame {
  type: string;
  payload: Record<string, unknown>;
  requestId?: string;
}

/** A WebSocket that keeps every frame it got, and can wait for one. */
export class TestSocket {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | null = null;
  readonly #waiting = new Set<() => void>();
  #requests = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (bytes: Buffer) => {
      this.frames.push(JSON.parse(bytes.toString('utf8')) as Frame);
      for (const look of this.#waiting) look();
    });
    socket.on('error', () => undefined);
    socket.once('close', (code, reason) => {
      this.closed = { code, reason: reason.toString('utf8') };
      for (const look of this.#waiting) look();
    });
  }

  /** Connects with the token in the header (`token: null` leaves it out) and waits for `welcome`. */
  static async open(url: string, path: string, options: ClientOptions & { token?: string | null } = {}): Promise<TestSocket> {
    const { token = TOKEN, headers, ...rest } = options;
    const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
    const opened = new TestSocket(new WebSocket(url.replace('http', 'ws') + path, { ...rest, headers: { ...authorization, ...headers } }));
    await opened.next((frame) => frame.type === 'welcome');
    return opened;
  }

  /** The first frame that fits, among those that came and those to come. Rejects when the socket closes, or after 20 s. */
  next(fits: (frame: Frame) => boolean): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        act();
      };
      const look = (): void => {
        const found = this.frames.find(fits);
        if (found) settle(() => resolve(found));
        else if (this.closed) settle(() => reject(new Error(`The socket closed: ${JSON.stringify(this.closed)}`)));
      };
      const timer = setTimeout(
        () => settle(() => reject(new Error(`No such frame came; there were: ${this.frames.map(({ type }) => type).join(', ')}`))),
        20_000,
      );
      this.#waiting.add(look);
      look();
    });
  }

  /** Sends a frame and waits for what answers it. */
  request(type: string, payload: unknown): Promise<Frame> {
    const requestId = `r${++this.#requests}`;
    this.socket.send(JSON.stringify({ type, payload, requestId }));
    return this.next((frame) => frame.requestId === requestId);
  }

  /** Resolves when the connection has ended. */
  async ended(): Promise<{ code: number; reason: string }> {
    if (!this.closed) await new Promise((resolve) => this.socket.once('close', resolve));
    return this.closed ?? { code: 0, reason: '' };
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.ended();
  }
}
