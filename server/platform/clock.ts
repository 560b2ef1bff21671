/** A timer that can be cancelled; cancelling twice is harmless. */
export interface Timer {
  cancel(): void;
}

/** Where time comes from. Everything that waits or dates something takes one, so that a test can move a day in a millisecond. */
export interface Clock {
  /** Wall clock in milliseconds since 1970; may jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never jumps back. */
  monotonic(): number;
  after(milliseconds: number, action: () => void): Timer;
  every(milliseconds: number, action: () => void): Timer;
}

/** The machine's own clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds).unref();
    return { cancel: () => clearTimeout(timer) };
  },
  every(milliseconds, action) {
    const timer = setInterval(action, milliseconds).unref();
    return { cancel: () => clearInterval(timer) };
  },
};

/** Resolves after the given milliseconds of this clock. */
export function sleep(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => void clock.after(milliseconds, resolve));
}

/** ISO-8601 UTC text of a time in milliseconds. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
