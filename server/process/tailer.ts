import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../platform/clock.ts';
import { sleep, systemClock } from '../platform/clock.ts';
import { ExitWatch } from './exit-watch.ts';
import { FolderWatch } from './folder-watch.ts';
import type { FramedLine } from './framing.ts';
import { LineFramer } from './framing.ts';
import { JournalError } from './journal-error.ts';
import type { Exit } from './journal-folder.ts';
import { sharedInterval } from './shared-interval.ts';

export interface Batch {
  /** May be empty, when only the place inside a line that is too long has changed. */
  lines: FramedLine[];
  /** What to save with the batch, and to begin with after a restart. */
  offset: number;
  skipping: boolean;
}

export interface TailerOptions {
  folder: string;
  /** Bytes of `out` that were handled before. */
  offset?: number;
  skipping?: boolean;
  clock?: Clock;
  /** The next batch comes when this resolves; when it rejects, the same one comes again after a pause. */
  onBatch: (batch: Batch) => Promise<void>;
  /** Something went wrong; the tailer goes on. */
  onError: (error: unknown) => void;
  /** The agent ended and its wrapper has said how. Called once; then `drain`, which reads what is left. */
  onExit?: (exit: Exit) => void;
  /** Default 32 MiB. */
  maxLineBytes?: number;
}

// Shared by all tailers: it is filled and copied out within one turn of the event loop.
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);
const pollMs = 250;
// Without a watch (EMFILE, ENOSPC) polling is all there is. An fstat costs about a microsecond.
const pollUnwatchedMs = 20;

interface Waiter {
  target: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Follows an incarnation's `out` and hands its lines on in batches, each exactly once and in order. */
export class Tailer {
  readonly #options: TailerOptions;
  readonly #clock: Clock;
  readonly #framer: LineFramer;
  readonly #watch: FolderWatch;
  readonly #exit: ExitWatch | null;
  readonly #poll: Timer;
  #fd: number | null;
  #reading = false;
  #again = false;
  #closed = false;
  /** Everything before this offset was handed on. */
  #handed: number;
  #waiters: Waiter[] = [];

  /** Starts at once; the first batch comes in a later turn. Throws the system's error if `out` cannot be opened. */
  constructor(options: TailerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#handed = options.offset ?? 0;
    this.#framer = new LineFramer(options.maxLineBytes, options.offset, options.skipping);
    this.#fd = openSync(join(options.folder, 'out'), 'r');
    this.#exit = options.onExit ? new ExitWatch(options.folder, this.#clock, options.onExit) : null;
    this.#watch = new FolderWatch(options.folder, (name) => {
      if (name === null || name === 'out') this.#read();
      if (name?.startsWith('exit.')) this.#exit?.look();
    });
    this.#poll = sharedInterval(this.#clock, this.#watch.watching ? pollMs : pollUnwatchedMs).join(() => this.#look());
    setImmediate(() => this.#read());
  }

  /** Reads to the present end of `out`; resolves when all of it was handed on. Rejects with a JournalError when closed before. */
  drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#fd === null) return reject(new JournalError('closed', 'The journal is closed.'));
      this.#waiters.push({ target: fstatSync(this.#fd).size, resolve, reject });
      this.#read();
    });
  }

  /** What was read since the last LF; after a drain of a finished process, what is left without one. */
  rest(): Buffer {
    return this.#framer.rest();
  }

  /** Offset that the next batch would continue from. */
  get offset(): number {
    return this.#framer.offset;
  }

  /** Ends it; a batch under way is not interrupted. Closing twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#exit?.close();
    this.#poll.cancel();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new JournalError('closed', 'The journal was closed.'));
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  // The poll: a look at the size is cheaper than a read.
  #look(): void {
    try {
      if (this.#fd === null || this.#reading) return;
      if (this.#waiters.length > 0 || fstatSync(this.#fd).size > this.#framer.position) this.#read();
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #read(): void {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    this.#readToEnd().then(
      () => this.#finished(),
      (error: unknown) => {
        this.#finished();
        this.#options.onError(error);
      },
    );
  }

  #finished(): void {
    this.#reading = false;
    if (!this.#again || this.#closed) return;
    this.#again = false;
    this.#read();
  }

  // Runs up to its first `await` in the turn of the watch's event: no hop between the agent's write and the batch.
  async #readToEnd(): Promise<void> {
    while (this.#fd !== null) {
      this.#again = false;
      const count = readSync(this.#fd, readBuffer, 0, readBuffer.length, this.#framer.position);
      if (count > 0) {
        const { offset, skipping } = this.#framer;
        const lines = this.#framer.push(Buffer.from(readBuffer.subarray(0, count)));
        const moved = this.#framer.offset !== offset || this.#framer.skipping !== skipping;
        if (moved) await this.#handOn({ lines, offset: this.#framer.offset, skipping: this.#framer.skipping });
      }
      if (this.#closed) return;
      this.#handed = this.#framer.position;
      this.#settle(count === 0);
      if (count === 0) return;
      // A busy agent must not keep the others, or the server's clients, from their turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async #handOn(batch: Batch): Promise<void> {
    for (let pause = 20; !this.#closed; pause = Math.min(pause * 2, 1_000)) {
      try {
        return await this.#options.onBatch(batch);
      } catch (error) {
        this.#options.onError(error);
        await sleep(this.#clock, pause);
      }
    }
  }

  // At the end of the file everyone is served, even should the file have been cut short under us.
  #settle(atEnd: boolean): void {
    if (this.#waiters.length === 0) return;
    const ready = (waiter: Waiter): boolean => atEnd || waiter.target <= this.#handed;
    const served = this.#waiters.filter(ready);
    this.#waiters = this.#waiters.filter((waiter) => !ready(waiter));
    for (const waiter of served) waiter.resolve();
  }
}
