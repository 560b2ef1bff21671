import type { Clock } from './clock.ts';

const SECONDS = 60;

/** How often something happened over the last minute, in a second of which each slot counts. */
export class RecentRate {
  readonly #clock: Clock;
  readonly #slots = new Float64Array(SECONDS);
  readonly #startedAt: number;
  /** The second that the newest slot stands for. */
  #newest: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = this.#newest = this.#second();
  }

  add(count: number): void {
    const second = this.#forget();
    this.#slots[second % SECONDS] = (this.#slots[second % SECONDS] ?? 0) + count;
  }

  /** Per second, over the last minute or since the start. */
  get perSecond(): number {
    const second = this.#forget();
    const span = Math.min(SECONDS, second - this.#startedAt + 1);
    return this.#slots.reduce((sum, count) => sum + count, 0) / span;
  }

  /** Empties the slots of the seconds that have passed since the last call. */
  #forget(): number {
    const second = this.#second();
    for (let passed = Math.max(this.#newest + 1, second - SECONDS + 1); passed <= second; passed += 1) this.#slots[passed % SECONDS] = 0;
    this.#newest = second;
    return second;
  }

  #second(): number {
    return Math.floor(this.#clock.monotonic() / 1_000);
  }
}
