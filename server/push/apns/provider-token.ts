import { sign, type KeyObject } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';

/** Apple takes tokens for 60 minutes, and a new one every 20. */
const RENEW_MS = 50 * 60_000;
const LEAST_MS = 20 * 60_000;
/** The machine's clock was set back by more than this: the token may come from the future. */
const JUMP_MS = 60_000;

interface ProviderKey {
  key: KeyObject;
  keyId: string;
  teamId: string;
}

/** The token with which a provider proves who it is. It goes by the clock, and is made anew for a refusal once in 20 minutes at most. */
export class ProviderToken {
  readonly #key: ProviderKey;
  readonly #clock: Clock;
  #made: { wall: number; monotonic: number };
  /** When one was made because the last was refused. */
  #forcedAt = -Infinity;
  #current: string;

  constructor(key: ProviderKey, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
    this.#made = { wall: clock.now(), monotonic: clock.monotonic() };
    this.#current = this.#sign();
  }

  /** The one for the next push; another one where the last is too old. */
  current(): string {
    if (this.#isOld()) this.#renew();
    return this.#current;
  }

  /** The service says that this one has expired: it is replaced, unless that was done since it was sent. */
  refused(token: string): void {
    if (token !== this.#current) return;
    if (!this.#isOld()) {
      const now = this.#clock.monotonic();
      if (now - this.#forcedAt < LEAST_MS) return;
      this.#forcedAt = now;
    }
    this.#renew();
  }

  #isOld(): boolean {
    const age = this.#clock.monotonic() - this.#made.monotonic;
    const wallAge = this.#clock.now() - this.#made.wall;
    return Math.max(age, wallAge) >= RENEW_MS || (wallAge < -JUMP_MS && age >= LEAST_MS);
  }

  #renew(): void {
    this.#made = { wall: this.#clock.now(), monotonic: this.#clock.monotonic() };
    this.#current = this.#sign();
  }

  #sign(): string {
    const { key, keyId, teamId } = this.#key;
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const head = `${part({ alg: 'ES256', kid: keyId })}.${part({ iss: teamId, iat: Math.floor(this.#made.wall / 1_000) })}`;
    return `${head}.${sign('sha256', Buffer.from(head), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }
}
