import type { Database } from './database.ts';

/**
 * Something that an agent asked its owner: an approval or a question. `asked` is JSON of the event's data, `input_hash` the SHA-256
 * of what was asked, in hex; times are milliseconds since 1970.
 */
export interface RequestRow {
  id: string;
  session_num: number;
  session_id: string;
  incarnation_id: string;
  turn_id: string | null;
  agent_request_id: string;
  kind: string;
  asked: string;
  input_hash: string;
  /** Of an approval: how much harm it could do. */
  risk: string | null;
  expires_at: number | null;
  decision: string | null;
  decided_by: string | null;
  asked_at: number;
  decided_at: number | null;
  /** From the audit, once it is decided: on which device, why where nobody decided, and what the agent was told (JSON). */
  device: string | null;
  reason: string | null;
  said: string | null;
}
type Joined = 'session_id' | 'decision' | 'decided_by' | 'decided_at' | 'device' | 'reason' | 'said';

export interface RequestFilter {
  state: 'open' | 'decided' | null;
  kind: string | null;
  before: { asked_at: number; id: string } | null;
  limit: number;
}

const whole = `r.*, s.id AS session_id, a.device, a.reason, a.said
  FROM requests r JOIN sessions s ON s.num = r.session_num LEFT JOIN approvals_audit a ON a.request_id = r.id`;
/** The newest that fit, newest first. */
const filtered = `
      AND (@state IS NULL OR (r.decision IS NULL) = (@state = 'open'))
      AND (@kind IS NULL OR r.kind = @kind)
      AND (@asked_at IS NULL OR (r.asked_at, r.id) < (@asked_at, @id))
    ORDER BY r.asked_at DESC, r.id DESC LIMIT @limit`;

/** Statements of the table `requests`. */
export function requestsTable(db: Database) {
  const insert = db.prepare<[Omit<RequestRow, Joined>]>(`
    INSERT INTO requests (id, session_num, incarnation_id, turn_id, agent_request_id, kind, asked, input_hash, risk, expires_at, asked_at)
    VALUES (@id, @session_num, @incarnation_id, @turn_id, @agent_request_id, @kind, @asked, @input_hash, @risk, @expires_at, @asked_at)`);
  const byId = db.prepare<[string, number], RequestRow>(`SELECT ${whole} WHERE r.id = ? AND r.session_num = ?`);
  const open = db.prepare<[number], RequestRow>(`SELECT ${whole} WHERE r.session_num = ? AND r.decision IS NULL ORDER BY r.asked_at, r.id`);
  const page = db.prepare<[Record<string, unknown>], RequestRow>(`
    SELECT ${whole} WHERE r.session_num = @session_num ${filtered}`);
  const ofOwner = db.prepare<[Record<string, unknown>], RequestRow>(`
    SELECT ${whole} WHERE s.owner = @owner ${filtered}`);
  const openOfOwner = db.prepare<[Record<string, unknown>], RequestRow>(`
    SELECT ${whole} WHERE s.owner = @owner AND r.decision IS NULL ${filtered}`);
  const bound = ({ before, ...filter }: RequestFilter) => ({ ...filter, asked_at: before?.asked_at ?? null, id: before?.id ?? null });
  const expiring = db.prepare<[], { session_num: number }>(
    'SELECT DISTINCT session_num FROM requests WHERE decision IS NULL AND expires_at IS NOT NULL',
  );
  const decide = db.prepare<[string, string, number, string]>(
    'UPDATE requests SET decision = ?, decided_by = ?, decided_at = ? WHERE id = ? AND decision IS NULL',
  );
  return {
    insert: (row: Parameters<typeof insert.run>[0]): void => void insert.run(row),
    byId: (id: string, sessionNum: number): RequestRow | undefined => byId.get(id, sessionNum),
    open: (sessionNum: number): RequestRow[] => open.all(sessionNum),
    page: (sessionNum: number, filter: RequestFilter): RequestRow[] => page.all({ ...bound(filter), session_num: sessionNum }),
    /** In all sessions of an owner. */
    ofOwner: (owner: string, filter: RequestFilter): RequestRow[] =>
      (filter.state === 'open' ? openOfOwner : ofOwner).all({ ...bound(filter), owner }),
    /** Sessions with something open that will expire. */
    expiringSessions: (): number[] => expiring.all().map((row) => row.session_num),
    /** False when it was decided before. */
    decide: (id: string, decision: string, by: string, at: number): boolean => decide.run(decision, by, at, id).changes === 1,
  };
}
