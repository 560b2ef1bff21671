import type { Database } from './database.ts';
import type { RequestRow } from './requests-table.ts';

/** Something that nobody has decided, with where it was asked. */
export type OpenRequest = Pick<RequestRow, 'id' | 'session_num' | 'turn_id' | 'kind' | 'asked' | 'asked_at'> & {
  session_id: string;
  owner: string;
};

/** Statements of the table `escalations`: which requests were looked at again because nobody reacted. */
export function escalationsTable(db: Database) {
  const waiting = db.prepare<[], OpenRequest>(`
    SELECT r.id, r.session_num, r.turn_id, r.kind, r.asked, r.asked_at, s.id AS session_id, s.owner
    FROM requests r INDEXED BY requests_open JOIN sessions s ON s.num = r.session_num
    WHERE r.decision IS NULL AND NOT EXISTS (SELECT 1 FROM escalations e WHERE e.request_id = r.id) ORDER BY r.asked_at, r.id`);
  const isWaiting = db.prepare<[string], { one: number }>(`
    SELECT 1 AS one FROM requests r WHERE r.id = ? AND r.decision IS NULL
      AND NOT EXISTS (SELECT 1 FROM escalations e WHERE e.request_id = r.id)`);
  const settle = db.prepare<[string, string, number]>(
    'INSERT INTO escalations (request_id, outcome, at) VALUES (?, ?, ?) ON CONFLICT (request_id) DO NOTHING',
  );
  return {
    /** Undecided requests that were not looked at again yet, the oldest first. */
    waiting: (): OpenRequest[] => waiting.all(),
    isWaiting: (requestId: string): boolean => isWaiting.get(requestId) !== undefined,
    settle: (requestId: string, outcome: 'escalated' | 'acknowledged' | 'nobody-left', at: number): void =>
      void settle.run(requestId, outcome, at),
  };
}
