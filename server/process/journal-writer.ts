import { closeSync, fstatSync, openSync, write, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isDiskFull, systemCode } from '../platform/app-error.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import { systemClock } from '../platform/clock.ts';
import { JournalError } from './journal-error.ts';
import type { RecordedLine } from './journal-repair.ts';
import { missingFrom } from './journal-repair.ts';

export interface JournalWriterOptions {
  clock?: Clock;
  /** The disk is full: writing is tried again until there is room. Called once per stall. */
  onStalled?: (error: unknown) => void;
  /** What had stalled is written. */
  onResumed?: () => void;
}

// A hop through the thread pool costs more than a small write does; a large one would hold up everybody else.
const inlineBytes = 64 * 1024;

/** Writes an incarnation's `in`, each line at the offset that was recorded for it. */
export class JournalWriter {
  #fd: number | null;
  readonly #options: JournalWriterOptions;
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();
  #wake: (() => void) | null = null;
  #busy = 0;

  private constructor(fd: number, options: JournalWriterOptions) {
    this.#fd = fd;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Opens the `in` of a prepared folder. Throws the system's error. Close it when the incarnation ends. */
  static open(folder: string, options: JournalWriterOptions = {}): JournalWriter {
    return new JournalWriter(openSync(join(folder, 'in'), 'r+'), options);
  }

  /** Bytes in the file now. */
  size(): number {
    return fstatSync(this.#open()).size;
  }

  /**
   * Resolves when all bytes are in the file, after every earlier write; waits as long as the disk is full. Rejects with
   * a JournalError: `misplaced` if the offset is not the file's end, `closed`, or `system`.
   */
  write(offset: number, bytes: Buffer): Promise<void> {
    return this.#queue(async () => {
      const end = this.size();
      if (offset !== end) throw new JournalError('misplaced', `A line for offset ${offset} of a journal that ends at ${end}.`);
      await this.#writeAll(offset, bytes);
    });
  }

  /**
   * Compares the file with the lines that were recorded for it and writes what is missing, after a crash. Give all of
   * them, or the last ones without a hole. Resolves to the number of bytes written; rejects with a JournalError and
   * leaves the file alone if it is `longer`, `shorter` or `different`.
   */
  repair(lines: readonly RecordedLine[]): Promise<number> {
    return this.#queue(async () => {
      const missing = missingFrom(this.#open(), lines);
      let written = 0;
      for (const { offset, bytes } of missing) {
        await this.#writeAll(offset, bytes);
        written += bytes.length;
      }
      return written;
    });
  }

  /** Closes the file; whatever still waits rejects with `closed`. Closing twice is harmless. */
  close(): void {
    const fd = this.#fd;
    this.#fd = null;
    this.#wake?.();
    if (fd === null) return;
    // A write in the thread pool must not meet a descriptor that was given to another file meanwhile.
    if (this.#busy === 0) closeSync(fd);
    else void this.#last.finally(() => closeSync(fd));
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    // An idle writer starts at once: waiting for a settled promise would only cost a turn of the queue.
    const result = (this.#busy === 1 ? work() : this.#last.then(work)).finally(() => (this.#busy -= 1));
    this.#last = result.then(ignore, ignore);
    return result;
  }

  #open(): number {
    if (this.#fd === null) throw new JournalError('closed', 'The journal is closed.');
    return this.#fd;
  }

  async #writeAll(offset: number, bytes: Buffer): Promise<void> {
    let done = 0;
    let pause = 0;
    while (done < bytes.length) {
      try {
        const rest = bytes.subarray(done);
        const fd = this.#open();
        done += rest.length <= inlineBytes ? writeSync(fd, rest, 0, rest.length, offset + done) : await writeLarge(fd, rest, offset + done);
      } catch (error) {
        if (systemCode(error) === 'EINTR' || systemCode(error) === 'EAGAIN') continue;
        if (error instanceof JournalError) throw error;
        if (!isDiskFull(error)) throw new JournalError('system', 'A line could not be written to the journal.', error);
        if (pause === 0) this.#options.onStalled?.(error);
        pause = Math.min(Math.max(pause * 2, 50), 1_000);
        await this.#pause(pause);
      }
    }
    if (pause > 0) this.#options.onResumed?.();
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer: Timer = this.#clock.after(milliseconds, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

function writeLarge(fd: number, bytes: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

function ignore(): void {}
