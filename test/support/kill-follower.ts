import type { EventView } from '../../server/contracts/events.ts';
import type { Client } from './client.ts';
import { eventually } from './eventually.ts';

/** A phone that follows one session by SSE and, after each lost connection, goes on from its cursor. */
export class Follower {
  readonly sessionId: string;
  /** Everything that came, over all connections, as it came. */
  readonly seen: EventView[] = [];
  /** How many events each connection brought. */
  readonly connections: number[] = [];
  #reading: Promise<void> = Promise.resolve();
  #connection = new AbortController();

  constructor(sessionId: string) {
    this.sessionId = sessionId;
  }

  get cursor(): number {
    return this.seen.at(-1)?.seq ?? 0;
  }

  /** Reads on from the cursor until the connection ends. Resolves when the one before has ended and was read out. */
  async connect(client: Client): Promise<void> {
    await this.#reading;
    this.#connection = new AbortController();
    this.#reading = this.#read(client, this.connections.push(0) - 1);
  }

  /** Waits until everything up to `seq` has come. */
  async caughtUp(seq: number): Promise<void> {
    await eventually(() => this.cursor >= seq);
  }

  /** Leaves. */
  async close(): Promise<void> {
    this.#connection.abort();
    await this.#reading;
  }

  async #read(client: Client, connection: number): Promise<void> {
    const init = { headers: { 'last-event-id': String(this.cursor) }, signal: this.#connection.signal };
    try {
      for await (const event of client.stream(`/api/sessions/${this.sessionId}/events`, init)) {
        this.seen.push(event);
        this.connections[connection] = (this.connections[connection] ?? 0) + 1;
      }
    } catch {
      // The server was killed, or we left: what came before counts.
    }
  }
}
