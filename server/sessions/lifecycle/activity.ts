import type { Clock } from '../../platform/clock.ts';

/** When a session was last used and heard of, in monotonic milliseconds: a clock that jumps ages nothing. */
export class Activity {
  readonly #clock: Clock;
  #usedAt: number;
  #lookedAt = -Infinity;
  #heardAt: number;
  /** Since then the agent could have said something and has not. */
  #silentAt: number;
  #warned = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#usedAt = clock.monotonic();
    this.#heardAt = this.#usedAt;
    this.#silentAt = this.#usedAt;
  }

  /** The last time that its owner used it or looked at it: what is looked at is wanted next. */
  get wantedAt(): number {
    return Math.max(this.#usedAt, this.#lookedAt);
  }
  /** Milliseconds since the last sign of life of either. */
  get idleMs(): number {
    return this.#clock.monotonic() - Math.max(this.#usedAt, this.#heardAt);
  }
  /** Milliseconds since the agent's last word, or since it was last told something, began, or was let go on. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#silentAt;
  }
  /** Its owner was told that it will expire, and nothing has happened since. */
  get warned(): boolean {
    return this.#warned;
  }

  /** Its owner has used it now. */
  use(): void {
    this.#usedAt = this.#clock.monotonic();
    this.#warned = false;
  }

  /** Its owner looks at it, which is no activity: it puts off no expiry. */
  look(): void {
    this.#lookedAt = this.#clock.monotonic();
  }

  /** Its agent has said something, which puts off the expiry too. */
  hear(): void {
    this.#heardAt = this.#clock.monotonic();
    this.#silentAt = this.#heardAt;
    this.#warned = false;
  }

  /** Its agent has a reason to say something from now on: silence before it proves nothing. */
  tell(): void {
    this.#silentAt = this.#clock.monotonic();
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
