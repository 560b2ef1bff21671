import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply } from './dialect.ts';

/**
 * Writes an answer's server-sent events: each delta at its own time, and nothing more once the client is gone or the script
 * says that the stream breaks off.
 */
export class Pace {
  readonly #res: ServerResponse;
  readonly #answer: Reply['answer'];
  readonly #startedAt = performance.now();
  #sent = 0;

  constructor(res: ServerResponse, answer: Reply['answer']) {
    this.#res = res;
    this.#answer = answer;
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    res.socket?.setNoDelay(true);
  }

  /** One event at once; without a type where the API has none. */
  emit(type: string | null, body: unknown): boolean {
    return this.#res.write(`${type === null ? '' : `event: ${type}\n`}data: ${typeof body === 'string' ? body : JSON.stringify(body)}\n\n`);
  }

  /** The deltas of one block, in order; false when the stream is over. */
  async deltas<T>(deltas: readonly T[], emit: (delta: T) => boolean): Promise<boolean> {
    for (const [at, delta] of deltas.entries()) {
      if (this.#answer.cut && at >= deltas.length / 2) {
        // What was written must get out first: a cut before the first byte looks like a refused connection.
        await sleep(20);
        this.#res.destroy();
        return false;
      }
      // Each delta has its own absolute time, so that lateness doesn't add up.
      const wait = this.#startedAt + this.#sent++ * this.#answer.delayMs - performance.now();
      if (this.#answer.delayMs > 0 && wait > 0) await sleep(wait);
      if (this.#res.destroyed) return false;
      if (!emit(delta)) await Promise.race([once(this.#res, 'drain'), once(this.#res, 'close')]);
    }
    return true;
  }

  end(): void {
    this.#res.end();
  }
}
