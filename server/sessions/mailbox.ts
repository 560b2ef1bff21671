import PQueue from 'p-queue';
import { isDiskFull } from '../platform/app-error.ts';
import type { SessionContext } from './context.ts';

const RETRY_MS = 1_000;

/** A session's jobs, one at a time, in the order in which they came. */
export class Mailbox {
  readonly #context: Pick<SessionContext, 'logger' | 'clock'>;
  readonly #sessionId: string;
  readonly #queue = new PQueue({ concurrency: 1 });
  #closed = false;

  constructor(context: Pick<SessionContext, 'logger' | 'clock'>, sessionId: string) {
    this.#context = context;
    this.#sessionId = sessionId;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** A job whose outcome somebody waits for. */
  ask<T>(job: () => T | Promise<T>): Promise<T> {
    return this.#queue.add(async () => job());
  }

  /** A job that nobody waits for: a full disk only delays it. */
  post(name: string, job: () => void | Promise<void>): void {
    if (this.#closed) return;
    this.ask(job).catch((error: unknown) => {
      const { logger, clock } = this.#context;
      if (!isDiskFull(error)) return logger.error({ error, job: name, sessionId: this.#sessionId }, 'a job of a session failed');
      logger.warn({ error, job: name, sessionId: this.#sessionId }, 'the disk is full: a job of a session waits');
      clock.after(RETRY_MS, () => this.post(name, job));
    });
  }

  /** Drops what has not begun, and resolves when what has begun is done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.clear();
    await this.#queue.onIdle();
  }
}
