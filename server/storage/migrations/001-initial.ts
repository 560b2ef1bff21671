export const initial = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE sessions (
  num INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  agent TEXT NOT NULL,
  project_path TEXT NOT NULL,
  mode TEXT NOT NULL,
  model TEXT,
  labels TEXT NOT NULL DEFAULT '[]',
  state TEXT NOT NULL,
  failure TEXT,
  head_seq INTEGER NOT NULL DEFAULT 0,
  kept_from INTEGER NOT NULL DEFAULT 1,
  agent_session_id TEXT,
  resumable INTEGER NOT NULL DEFAULT 0,
  incarnation_id TEXT,
  last_exit TEXT,
  usage TEXT,
  cost_usd REAL,
  created_at INTEGER NOT NULL,
  last_activity_at INTEGER NOT NULL
);
CREATE INDEX sessions_by_project ON sessions (owner, project_path, last_activity_at);
CREATE INDEX sessions_by_activity ON sessions (owner, last_activity_at);

CREATE TABLE incarnations (
  id TEXT PRIMARY KEY,
  session_num INTEGER NOT NULL REFERENCES sessions (num) ON DELETE CASCADE,
  agent TEXT NOT NULL,
  resumed INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  wrapper TEXT,
  process TEXT,
  out_offset INTEGER NOT NULL DEFAULT 0,
  skipping INTEGER NOT NULL DEFAULT 0,
  in_size INTEGER NOT NULL DEFAULT 0,
  driver_state TEXT NOT NULL,
  state_version INTEGER NOT NULL,
  mode TEXT NOT NULL,
  model TEXT,
  end_reason TEXT,
  created_at INTEGER NOT NULL,
  ready_at INTEGER,
  ended_at INTEGER
) WITHOUT ROWID;
CREATE INDEX incarnations_alive ON incarnations (session_num) WHERE ended_at IS NULL;

CREATE TABLE in_lines (
  incarnation_id TEXT NOT NULL REFERENCES incarnations (id) ON DELETE CASCADE,
  offset INTEGER NOT NULL,
  length INTEGER NOT NULL,
  bytes BLOB,
  PRIMARY KEY (incarnation_id, offset)
) WITHOUT ROWID;

CREATE TABLE turns (
  ord INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session_num INTEGER NOT NULL REFERENCES sessions (num) ON DELETE CASCADE,
  state TEXT NOT NULL,
  input TEXT,
  incarnation_id TEXT,
  agent_message_id TEXT,
  in_offset INTEGER,
  in_length INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER,
  accepted_at INTEGER NOT NULL,
  written_at INTEGER,
  first_token_at INTEGER,
  ended_at INTEGER,
  outcome TEXT,
  compacted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX turns_open ON turns (session_num, ord) WHERE ended_at IS NULL;
CREATE INDEX turns_by_session ON turns (session_num, ord);
CREATE INDEX turns_to_compact ON turns (ended_at) WHERE ended_at IS NOT NULL AND compacted = 0;

CREATE TABLE messages (
  ord INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session_num INTEGER NOT NULL REFERENCES sessions (num) ON DELETE CASCADE,
  turn_id TEXT,
  role TEXT NOT NULL,
  text TEXT NOT NULL,
  partial INTEGER NOT NULL DEFAULT 0,
  attachments TEXT,
  created_at INTEGER NOT NULL
);
CREATE INDEX messages_by_session ON messages (session_num, ord);
CREATE INDEX messages_by_turn ON messages (turn_id, ord);

CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  session_num INTEGER NOT NULL REFERENCES sessions (num) ON DELETE CASCADE,
  incarnation_id TEXT NOT NULL,
  turn_id TEXT,
  agent_request_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  asked TEXT NOT NULL,
  decision TEXT,
  decided_by TEXT,
  asked_at INTEGER NOT NULL,
  decided_at INTEGER
) WITHOUT ROWID;
CREATE INDEX requests_open ON requests (session_num) WHERE decision IS NULL;

CREATE TABLE events (
  session_num INTEGER NOT NULL REFERENCES sessions (num) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  turn_id TEXT,
  data TEXT NOT NULL,
  PRIMARY KEY (session_num, seq)
) WITHOUT ROWID;

CREATE TABLE holes (
  session_num INTEGER NOT NULL REFERENCES sessions (num) ON DELETE CASCADE,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY (session_num, first_seq)
) WITHOUT ROWID;

CREATE TABLE idempotency (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  session_id TEXT NOT NULL,
  turn_id TEXT,
  response TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (owner, key)
) WITHOUT ROWID;
`;
