import type { Clock, Timer } from '../../platform/clock.ts';

/** How often in a row a session's process has failed, and the start that is planned after a while. */
export class Restarts {
  readonly #clock: Clock;
  readonly #start: () => void;
  #failures = 0;
  #timer: Timer | null = null;

  /** `start`: called when the time of a planned start has come. */
  constructor(clock: Clock, start: () => void) {
    this.#clock = clock;
    this.#start = start;
  }

  get isPlanned(): boolean {
    return this.#timer !== null;
  }

  /** One more end without a completed turn since the last; how many in a row that makes. */
  fail(): number {
    return ++this.#failures;
  }

  /** A turn has ended, or the owner wants it tried again. */
  forgive(): void {
    this.#failures = 0;
  }

  /** Starts again after so many milliseconds. */
  plan(milliseconds: number): void {
    this.cancel();
    this.#timer = this.#clock.after(milliseconds, () => {
      this.#timer = null;
      this.#start();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
