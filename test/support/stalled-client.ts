import { connect, type Socket } from 'node:net';
import { TOKEN } from './holdfast.ts';

/** A client that asks for a stream and then reads nothing, until it is told to. */
export class StalledClient {
  readonly #socket: Socket;
  readonly #received: Buffer[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Connects and asks with these header lines; resolves when the answer begins to come. */
  static ask(url: string, path: string, headers: Record<string, string>): Promise<StalledClient> {
    const { hostname, port, host } = new URL(url);
    const lines = Object.entries({ host, authorization: `Bearer ${TOKEN}`, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`));
      const client = new StalledClient(socket);
      socket.once('error', reject);
      socket.once('readable', () => resolve(client));
    });
  }

  /** Reads on; every piece that comes is kept. */
  readOn(): void {
    this.#socket.on('data', (bytes: Buffer) => this.#received.push(bytes));
    this.#socket.resume();
  }

  get bytes(): number {
    return this.#received.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** Everything that came since `readOn`. */
  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  close(): void {
    this.#socket.destroy();
  }
}
