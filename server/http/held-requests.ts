import { AppError } from '../platform/app-error.ts';

/** More held requests than any household has phones. */
const MOST = 200;

/** Requests whose answer is held back until there is something to say. Each has a place, and there are so many and no more. */
export class HeldRequests {
  readonly #most: number;
  readonly #held = new Set<AbortController>();
  #closed = false;

  constructor(most = MOST) {
    this.#most = most;
  }

  /** Requests that are held now. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * Does the work of one held request. Its signal is aborted when the client is gone or the server stops. Throws `rate-limited`
   * before anything is done when all places are taken.
   */
  async hold<T>(gone: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#held.size >= this.#most) {
      throw new AppError('rate-limited', `${this.#most} requests wait for their answers already; send this again later.`, {
        retryAfter: 10,
      });
    }
    const controller = new AbortController();
    const end = (): void => controller.abort();
    this.#held.add(controller);
    gone.addEventListener('abort', end);
    if (gone.aborted || this.#closed) end();
    try {
      return await work(controller.signal);
    } finally {
      gone.removeEventListener('abort', end);
      this.#held.delete(controller);
    }
  }

  /** Lets all of them go with what there is to say now. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#held) controller.abort();
  }
}
