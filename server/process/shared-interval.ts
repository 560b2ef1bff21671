import type { Clock, Timer } from '../platform/clock.ts';

/** One timer for everybody who wants to be called at the same pace; it runs only while there is someone. */
export class SharedInterval {
  readonly #members = new Set<() => void>();
  readonly #clock: Clock;
  readonly #milliseconds: number;
  #timer: Timer | null = null;

  constructor(clock: Clock, milliseconds: number) {
    this.#clock = clock;
    this.#milliseconds = milliseconds;
  }

  /** Calls `action` at each beat until the returned timer is cancelled. It must not throw. */
  join(action: () => void): Timer {
    const own = (): void => action(); // the same function may join twice
    this.#members.add(own);
    this.#timer ??= this.#clock.every(this.#milliseconds, () => {
      for (const member of this.#members) member();
    });
    return {
      cancel: () => {
        this.#members.delete(own);
        if (this.#members.size > 0) return;
        this.#timer?.cancel();
        this.#timer = null;
      },
    };
  }
}

const intervals = new WeakMap<Clock, Map<number, SharedInterval>>();

/** The interval of this clock and pace that all share. */
export function sharedInterval(clock: Clock, milliseconds: number): SharedInterval {
  const ofClock: Map<number, SharedInterval> = intervals.get(clock) ?? new Map<number, SharedInterval>();
  intervals.set(clock, ofClock);
  const interval = ofClock.get(milliseconds) ?? new SharedInterval(clock, milliseconds);
  ofClock.set(milliseconds, interval);
  return interval;
}
