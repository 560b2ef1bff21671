export const devices = `
CREATE TABLE devices (
  num INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  token TEXT NOT NULL UNIQUE,
  platform TEXT NOT NULL,
  environment TEXT NOT NULL,
  topic TEXT,
  app_version TEXT,
  name TEXT NOT NULL,
  preferences TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'active',
  last_result TEXT,
  last_result_at INTEGER,
  last_delivered_at INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  registered_at INTEGER NOT NULL
);
CREATE INDEX devices_by_owner ON devices (owner, num);

CREATE TABLE device_sessions (
  device_num INTEGER NOT NULL REFERENCES devices (num) ON DELETE CASCADE,
  session_num INTEGER NOT NULL REFERENCES sessions (num) ON DELETE CASCADE,
  level TEXT,
  muted_until INTEGER,
  PRIMARY KEY (device_num, session_num)
) WITHOUT ROWID;
CREATE INDEX device_sessions_by_session ON device_sessions (session_num);

CREATE TABLE escalations (
  request_id TEXT PRIMARY KEY REFERENCES requests (id) ON DELETE CASCADE,
  outcome TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
`;
