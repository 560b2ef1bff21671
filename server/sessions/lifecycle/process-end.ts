import type { ExitReason } from '../../contracts/events.ts';
import type { Cell } from '../cell.ts';
import { finishIncarnation, type Finished } from './finish-incarnation.ts';
import type { Incarnation } from './incarnation.ts';
import type { Mailbox } from '../mailbox.ts';

/** How long an agent may take to end, in milliseconds: after end of input, and after TERM. */
const GRACE = { eof: 5_000, term: 3_000 };
const BUSY_GRACE = { eof: 200, term: 3_000 };

/** Brings a session's process to its end and records that. */
export class ProcessEnd {
  readonly #cell: Cell;
  readonly #mailbox: Mailbox;
  readonly #onRecorded: (finished: Finished) => void;
  #waiters: (() => void)[] = [];

  /** `onRecorded`: called inside the mailbox when an end is in the store. */
  constructor(cell: Cell, mailbox: Mailbox, onRecorded: (finished: Finished) => void) {
    this.#cell = cell;
    this.#mailbox = mailbox;
    this.#onRecorded = onRecorded;
  }

  /** Ends the process whose reason is stored already; resolves when the end is recorded. An idle one gets time to save what it knows. */
  begin(idle: boolean): Promise<void> {
    const { incarnation, context } = this.#cell;
    if (!incarnation) return Promise.resolve();
    const ended = new Promise<void>((resolve) => this.#waiters.push(resolve));
    void incarnation
      .terminate('clean', idle ? GRACE : BUSY_GRACE)
      .catch((error: unknown) => context.logger.error({ error }, 'ending an agent failed'));
    return ended;
  }

  /** The process is gone: what is left of it is ended, `out` is read to its end, then the end is recorded. */
  async seen(incarnation: Incarnation, fallback: ExitReason = 'crashed'): Promise<void> {
    const { context, key } = this.#cell;
    try {
      await incarnation.terminate('kill', { eof: 0, term: 0 });
      await incarnation.drain();
    } catch (error) {
      context.logger.error({ error, sessionId: key.id }, 'what an ended agent left could not be read whole');
    }
    this.#mailbox.post('exit', () => {
      if (this.#cell.incarnation !== incarnation) return;
      const finished = finishIncarnation(this.#cell, incarnation, fallback);
      for (const resolve of this.#waiters.splice(0)) resolve();
      this.#onRecorded(finished);
    });
  }
}
