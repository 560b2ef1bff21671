import type { Clock } from '../platform/clock.ts';

/** When a session was last used and heard of, in monotonic milliseconds: a clock that jumps ages nothing. */
export class Activity {
  readonly #clock: Clock;
  #usedAt: number;
  #heardAt: number;
  #warned = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#usedAt = clock.monotonic();
    this.#heardAt = this.#usedAt;
  }

  /** The last use by its owner. */
  get usedAt(): number {
    return this.#usedAt;
  }
  /** The agent's last word. */
  get heardAt(): number {
    return this.#heardAt;
  }
  /** Milliseconds since the last sign of life of either. */
  get idleMs(): number {
    return this.#clock.monotonic() - Math.max(this.#usedAt, this.#heardAt);
  }
  /** Its owner was told that it will expire, and has not used it since. */
  get warned(): boolean {
    return this.#warned;
  }

  /** Its owner has used it now. */
  use(): void {
    this.#usedAt = this.#clock.monotonic();
    this.#warned = false;
  }

  /** Its agent has said something. */
  hear(): void {
    this.#heardAt = this.#clock.monotonic();
  }

  /** It was last used before this server started. */
  age(milliseconds: number, warned: boolean): void {
    this.#usedAt = this.#clock.monotonic() - milliseconds;
    this.#heardAt = this.#usedAt;
    this.#warned = warned;
  }

  /** Notes the warning. */
  warn(): void {
    this.#warned = true;
  }
}
