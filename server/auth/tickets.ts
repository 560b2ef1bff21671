import { randomBytes } from 'node:crypto';
import type { Clock } from '../platform/clock.ts';
import { AppError } from '../platform/app-error.ts';

const LIFE_MS = 30_000;
const MOST = 1_000;

/** Single-use credentials for one WebSocket each, so that no long-lived token stands in a URL. Kept in memory only. */
export class Tickets {
  readonly #clock: Clock;
  readonly #issued = new Map<string, { owner: string; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A new ticket, good for 30 s. Throws `rate-limited` when 1,000 are unused. */
  issue(owner: string): { ticket: string; expiresAt: number } {
    this.#dropExpired();
    if (this.#issued.size >= MOST)
      throw new AppError('rate-limited', 'Too many unused tickets; use them or wait 30 seconds.', { retryAfter: 30 });
    const ticket = randomBytes(24).toString('base64url');
    this.#issued.set(ticket, { owner, until: this.#clock.monotonic() + LIFE_MS });
    return { ticket, expiresAt: this.#clock.now() + LIFE_MS };
  }

  /** The owner of a ticket, which is used up by this; null when it is not valid. */
  redeem(ticket: string): string | null {
    const issued = this.#issued.get(ticket);
    this.#issued.delete(ticket);
    return issued && issued.until > this.#clock.monotonic() ? issued.owner : null;
  }

  #dropExpired(): void {
    for (const [ticket, { until }] of this.#issued) if (until <= this.#clock.monotonic()) this.#issued.delete(ticket);
  }
}
