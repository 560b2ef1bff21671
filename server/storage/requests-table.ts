import type { Database } from './database.ts';

/** Something that an agent asked its owner: an approval or a question. `asked` is JSON of the event's data. */
export interface RequestRow {
  id: string;
  session_num: number;
  incarnation_id: string;
  turn_id: string | null;
  agent_request_id: string;
  kind: string;
  asked: string;
  decision: string | null;
  decided_by: string | null;
  asked_at: number;
  decided_at: number | null;
}

export type RequestsTable = ReturnType<typeof requestsTable>;

/** Statements of the table `requests`. */
export function requestsTable(db: Database) {
  const insert = db.prepare<[Omit<RequestRow, 'decision' | 'decided_by' | 'decided_at'>]>(`
    INSERT INTO requests (id, session_num, incarnation_id, turn_id, agent_request_id, kind, asked, asked_at)
    VALUES (@id, @session_num, @incarnation_id, @turn_id, @agent_request_id, @kind, @asked, @asked_at) ON CONFLICT (id) DO NOTHING`);
  const byId = db.prepare<[string, number], RequestRow>('SELECT * FROM requests WHERE id = ? AND session_num = ?');
  const open = db.prepare<[number], RequestRow>('SELECT * FROM requests WHERE session_num = ? AND decision IS NULL ORDER BY asked_at, id');
  const decide = db.prepare<[string, string, number, string]>(
    'UPDATE requests SET decision = ?, decided_by = ?, decided_at = ? WHERE id = ? AND decision IS NULL',
  );
  return {
    insert: (row: Parameters<typeof insert.run>[0]): void => void insert.run(row),
    byId: (id: string, sessionNum: number): RequestRow | undefined => byId.get(id, sessionNum),
    open: (sessionNum: number): RequestRow[] => open.all(sessionNum),
    /** False when it was decided before. */
    decide: (id: string, decision: string, by: string, at: number): boolean => decide.run(decision, by, at, id).changes === 1,
  };
}
