import type { Database } from './database.ts';

/** The answer that a request with this key got. `response` is JSON. */
export interface IdempotencyRow {
  owner: string;
  key: string;
  body_hash: string;
  session_id: string;
  turn_id: string | null;
  response: string;
  created_at: number;
}

/** Statements of the table `idempotency`. */
export function idempotencyTable(db: Database) {
  const insert = db.prepare<[IdempotencyRow]>(`
    INSERT INTO idempotency (owner, key, body_hash, session_id, turn_id, response, created_at)
    VALUES (@owner, @key, @body_hash, @session_id, @turn_id, @response, @created_at)`);
  const get = db.prepare<[string, string], IdempotencyRow>('SELECT * FROM idempotency WHERE owner = ? AND key = ?');
  const forget = db.prepare<[string]>('DELETE FROM idempotency WHERE session_id = ?');
  return {
    insert: (row: IdempotencyRow): void => void insert.run(row),
    get: (owner: string, key: string): IdempotencyRow | undefined => get.get(owner, key),
    forgetSession: (sessionId: string): void => void forget.run(sessionId),
  };
}
