import { createHash, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../server/platform/clock.ts';
import { publicHalf, type ProviderKey } from './provider-key.ts';
import { refuse, type Refusal } from './reasons.ts';

/** How the provider tokens of one connection (or of all, see `updatesCount`) have changed. */
export interface TokenUse {
  current: string | null;
  /** When `current` took the place of another, by the clock's monotonic time. */
  changedAt: number | null;
}

/** A token that may be used, or why it may not. Its id is the beginning of its hash: the same wherever it turns up, and no secret. */
export type TokenCheck = { ok: true; id: string } | { ok: false; id: string | null; refusal: Refusal };

const OLDEST_MS = 3_600_000;
const UPDATE_MS = 1_200_000;
/** Clocks of two machines differ; Apple says nothing about tokens of the future. */
const AHEAD_MS = 300_000;
const KEPT = 1_000;

const Header = z.object({ alg: z.literal('ES256'), kid: z.string() });
const Claims = z.object({ iss: z.string(), iat: z.int().nonnegative() });

type Verified = { ok: true; id: string; issuedAt: number } | { ok: false; id: string; why: string };

function jsonOf(part: string | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

const ID_CHARS = 12;

/** Checks provider tokens as Apple documents it: really signed, not older than an hour, not changed too often. */
export class ProviderTokens {
  readonly #key: ProviderKey;
  readonly #publicKey: KeyObject;
  readonly #clock: Clock;
  /** By the token's hash. A signature is looked at once: a provider sends the same token for most of an hour. */
  readonly #verified = new Map<string, Verified>();

  constructor(key: ProviderKey, clock: Clock) {
    this.#key = key;
    this.#publicKey = publicHalf(key);
    this.#clock = clock;
  }

  /** Checks the `authorization` header of a push; notes a changed token in `use`. */
  check(authorization: string | undefined, use: TokenUse): TokenCheck {
    const jwt = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    if (jwt === undefined) {
      const why = authorization === undefined ? 'There is no authorization header.' : 'The authorization header is not "bearer <token>".';
      return { ok: false, id: null, refusal: refuse('MissingProviderToken', why) };
    }
    const verified = this.#verify(jwt);
    const { id } = verified;
    if (!verified.ok) return { ok: false, id, refusal: refuse('InvalidProviderToken', verified.why) };
    const age = this.#clock.now() - verified.issuedAt;
    if (age > OLDEST_MS) {
      return {
        ok: false,
        id,
        refusal: refuse('ExpiredProviderToken', `The token is ${Math.floor(age / 60_000)} minutes old; 60 is the most.`),
      };
    }
    if (age < -AHEAD_MS) {
      return {
        ok: false,
        id,
        refusal: refuse('InvalidProviderToken', `The token was issued in ${Math.ceil(-age / 60_000)} minutes: whose clock is wrong?`),
      };
    }
    return this.#use(id, use);
  }

  /** The first token is no update; each that takes its place must leave 20 minutes to the one before. */
  #use(id: string, use: TokenUse): TokenCheck {
    if (use.current === id) return { ok: true, id };
    if (use.current !== null) {
      const now = this.#clock.monotonic();
      const since = use.changedAt === null ? Infinity : now - use.changedAt;
      if (since < UPDATE_MS) {
        const why = `The token was changed ${Math.floor(since / 60_000)} minutes after the last change; 20 is the least.`;
        return { ok: false, id, refusal: refuse('TooManyProviderTokenUpdates', why) };
      }
      use.changedAt = now;
    }
    use.current = id;
    return { ok: true, id };
  }

  #verify(jwt: string): Verified {
    const hash = createHash('sha256').update(jwt).digest('hex');
    const known = this.#verified.get(hash);
    if (known) return known;
    const oldest = this.#verified.keys().next();
    if (this.#verified.size >= KEPT && oldest.value !== undefined) this.#verified.delete(oldest.value);
    const fresh = this.#look(jwt, hash.slice(0, ID_CHARS));
    this.#verified.set(hash, fresh);
    return fresh;
  }

  #look(jwt: string, id: string): Verified {
    const bad = (why: string): Verified => ({ ok: false, id, why });
    const [head, body, signature, ...rest] = jwt.split('.');
    if (signature === undefined || rest.length > 0) return bad('The token is not a JWT of three parts.');
    const header = Header.safeParse(jsonOf(head));
    const claims = Claims.safeParse(jsonOf(body));
    if (!header.success) return bad('The header of the token is not {"alg": "ES256", "kid": …}.');
    if (!claims.success) return bad('The claims of the token are not {"iss": …, "iat": seconds}.');
    if (header.data.kid !== this.#key.keyId) return bad(`No key ${JSON.stringify(header.data.kid)} is registered.`);
    if (claims.data.iss !== this.#key.teamId) return bad(`The key is not of team ${JSON.stringify(claims.data.iss)}.`);
    const signed = Buffer.from(`${head}.${body}`);
    const key = { key: this.#publicKey, dsaEncoding: 'ieee-p1363' as const };
    if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return bad('The signature is not by the registered key.');
    return { ok: true, id, issuedAt: claims.data.iat * 1000 };
  }
}
