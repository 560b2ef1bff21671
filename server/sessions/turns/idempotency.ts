import { createHash } from 'node:crypto';
import { AppError } from '../../platform/app-error.ts';
import type { Store } from '../../storage/store.ts';

/** Members of a request that may differ when it is sent again. */
const PASSING = new Set(['timestamp', 'wait', 'deviceToken']);

/** A fingerprint of a body: the same for the same members in any order, without those that differ from try to try. */
export function bodyHash(body: object): string {
  const kept = Object.fromEntries(Object.entries(body).filter(([name]) => !PASSING.has(name)));
  const stable = JSON.stringify(kept, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(stable).digest('base64url');
}

/** The key under which a request's answer is kept: its message id, else its Idempotency-Key, else none. */
export function requestKey(messageId: string | undefined, header: string | undefined): string | null {
  if (messageId !== undefined) return `message:${messageId}`;
  return header === undefined ? null : `key:${header}`;
}

/** The stored answer to an earlier request with this key. Throws `idempotency-conflict` when that had another body. */
export function earlierAnswer<T>(store: Store, owner: string, key: string | null, hash: string): T | null {
  const row = key === null ? undefined : store.idempotency.get(owner, key);
  if (!row) return null;
  if (row.body_hash !== hash) {
    throw new AppError('idempotency-conflict', 'This id was used before with another body. Send a new message under a new id.');
  }
  return JSON.parse(row.response) as T;
}
