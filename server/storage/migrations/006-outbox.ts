export const outbox = `
ALTER TABLE sessions ADD COLUMN pushed_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN pushed_device INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET pushed_seq = head_seq;
CREATE INDEX sessions_to_push ON sessions (num) WHERE pushed_seq < head_seq;

CREATE TABLE pushes (
  num INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session_num INTEGER REFERENCES sessions (num) ON DELETE CASCADE,
  seq INTEGER,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  push_type TEXT NOT NULL,
  priority INTEGER NOT NULL,
  payload TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  settled INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX pushes_by_event ON pushes (session_num, seq, push_type);
CREATE INDEX pushes_by_subject ON pushes (session_num, subject);
CREATE INDEX pushes_by_age ON pushes (created_at);

CREATE TABLE deliveries (
  num INTEGER PRIMARY KEY,
  push_num INTEGER NOT NULL REFERENCES pushes (num) ON DELETE CASCADE,
  device_num INTEGER NOT NULL REFERENCES devices (num) ON DELETE CASCADE,
  apns_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  silent INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'queued',
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL,
  status INTEGER,
  reason TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  received_at INTEGER,
  opened_at INTEGER
);
CREATE UNIQUE INDEX deliveries_by_push ON deliveries (push_num, device_num);
CREATE INDEX deliveries_by_device ON deliveries (device_num, num);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'queued';
CREATE INDEX deliveries_unsent ON deliveries (device_num, subject) WHERE state = 'queued';
CREATE INDEX deliveries_sending ON deliveries (num) WHERE state = 'sending';
CREATE INDEX deliveries_silent ON deliveries (device_num, created_at) WHERE silent = 1;
`;
