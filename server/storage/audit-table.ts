import type { Database } from './database.ts';

/** What became of one request: written once, in the transaction that settles it, and never changed. `said` is JSON. */
export interface AuditRow {
  at: number;
  session_num: number;
  request_id: string;
  kind: string;
  tool: string | null;
  input_hash: string;
  risk: string | null;
  decision: string;
  decided_by: string;
  device: string | null;
  reason: string | null;
  said: string | null;
}

/** Statements of the table `approvals_audit`: it is added to, and goes only with its session. */
export function auditTable(db: Database) {
  const insert = db.prepare<[AuditRow]>(`
    INSERT INTO approvals_audit (at, session_num, request_id, kind, tool, input_hash, risk, decision, decided_by, device, reason, said)
    VALUES (@at, @session_num, @request_id, @kind, @tool, @input_hash, @risk, @decision, @decided_by, @device, @reason, @said)`);
  const ofSession = db.prepare<[number], AuditRow>(`
    SELECT at, session_num, request_id, kind, tool, input_hash, risk, decision, decided_by, device, reason, said
    FROM approvals_audit WHERE session_num = ? ORDER BY ord`);
  return {
    insert: (row: AuditRow): void => void insert.run(row),
    /** Everything that was settled in a session, in order. */
    ofSession: (sessionNum: number): AuditRow[] => ofSession.all(sessionNum),
  };
}
