import type { Clock, Timer } from '../../server/platform/clock.ts';

interface Due {
  at: number;
  /** Null for a timer that fires once. */
  every: number | null;
  action: () => void;
}

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  #wall = Date.parse('2026-03-01T08:00:00Z');
  #elapsed = 0;
  readonly #timers = new Set<Due>();

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(milliseconds: number, action: () => void): Timer {
    return this.#add({ at: this.#elapsed + milliseconds, every: null, action });
  }

  every(milliseconds: number, action: () => void): Timer {
    return this.#add({ at: this.#elapsed + milliseconds, every: milliseconds, action });
  }

  /** Lets time pass, and fires what is due, in order. An interval fires once, however long that was, as on a machine that slept. */
  advance(milliseconds: number): void {
    const end = this.#elapsed + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter((due) => due.at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#move(Math.max(this.#elapsed, next.at));
      if (next.every === null) this.#timers.delete(next);
      else next.at = Math.max(next.at + next.every, end + 1);
      next.action();
    }
    this.#move(end);
  }

  /** Somebody sets the machine's clock; no time passes. */
  setWall(milliseconds: number): void {
    this.#wall = milliseconds;
  }

  #move(to: number): void {
    this.#wall += to - this.#elapsed;
    this.#elapsed = to;
  }

  #add(due: Due): Timer {
    this.#timers.add(due);
    return { cancel: () => this.#timers.delete(due) };
  }
}
