export const approvals = `
ALTER TABLE requests ADD COLUMN input_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN risk TEXT;
ALTER TABLE requests ADD COLUMN expires_at INTEGER;
CREATE INDEX requests_by_session ON requests (session_num, asked_at, id);
CREATE INDEX requests_by_time ON requests (asked_at, id);
CREATE INDEX requests_waiting ON requests (asked_at, id) WHERE decision IS NULL;
CREATE INDEX requests_expiring ON requests (expires_at) WHERE decision IS NULL AND expires_at IS NOT NULL;

CREATE TABLE approvals_audit (
  ord INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  session_num INTEGER NOT NULL REFERENCES sessions (num) ON DELETE CASCADE,
  request_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  tool TEXT,
  input_hash TEXT NOT NULL,
  risk TEXT,
  decision TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  device TEXT,
  reason TEXT,
  said TEXT
);
CREATE INDEX approvals_audit_by_session ON approvals_audit (session_num, ord);
`;
