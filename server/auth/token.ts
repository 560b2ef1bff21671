import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../platform/app-error.ts';

/** Who may use the API. One owner for now: whoever has the token. */
const OWNER = 'owner';

/** The token of this data folder: the given one, else the stored one, else a new one (0600). `made` says that it is new. */
export function loadToken(dataDir: string, given: string | undefined): { token: string; made: boolean } {
  if (given !== undefined) return { token: given, made: false };
  const path = join(dataDir, 'auth-token');
  try {
    const token = readFileSync(path, 'utf8').trim();
    if (token !== '') {
      chmodSync(path, 0o600);
      return { token, made: false };
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  const token = randomBytes(32).toString('base64url');
  writeFileSync(path, `${token}\n`, { mode: 0o600 });
  return { token, made: true };
}

/** Checks bearer tokens in constant time. */
export class TokenCheck {
  readonly #expected: Buffer;

  constructor(token: string) {
    this.#expected = digest(token);
  }

  /** The owner of `Authorization: Bearer <token>`; null for any other header. */
  ownerOf(header: string | undefined): string | null {
    const match = /^Bearer +(\S+) *$/i.exec(header ?? '');
    // Digests have one length, so the comparison tells nothing about the token's.
    return match?.[1] !== undefined && timingSafeEqual(digest(match[1]), this.#expected) ? OWNER : null;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
