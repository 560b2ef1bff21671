import type { WebSocket } from 'ws';
import type { Sink } from '../events/reader.ts';
import type { StoredEvent } from '../events/stored-event.ts';

/** Bytes that may wait in a socket before its readers go back to the log. */
const MOST_BUFFERED = 1024 * 1024;
const RESUME_BELOW = 64 * 1024;
const LOOK_MS = 20;

/** A WebSocket as the sink of all its readers. */
export class SocketSink implements Sink {
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.once('close', () => this.#stop());
  }

  get isSlow(): boolean {
    return this.#socket.bufferedAmount > MOST_BUFFERED;
  }

  write(event: StoredEvent): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#socket.send(`{"type":"event","payload":${event.json}}`);
    return !this.isSlow;
  }

  notice(kind: 'gap' | 'ahead', json: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(`{"type":"${kind}","payload":${json}}`);
  }

  /** ws has no `drain` event of its own: a slow socket is looked at until it has room again. */
  drained(resume: () => void): void {
    this.#waiting.add(resume);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  #look(): void {
    if (this.#socket.bufferedAmount > RESUME_BELOW) return;
    const resumed = [...this.#waiting];
    this.#stop();
    for (const resume of resumed) resume();
  }

  #stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#waiting.clear();
  }
}
