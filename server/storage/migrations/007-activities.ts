export const activities = `
CREATE TABLE activities (
  num INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  device_num INTEGER NOT NULL REFERENCES devices (num) ON DELETE CASCADE,
  session_num INTEGER REFERENCES sessions (num) ON DELETE SET NULL,
  token TEXT NOT NULL UNIQUE,
  app_id TEXT COLLATE NOCASE,
  alerts INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'active',
  content TEXT,
  changed_at INTEGER NOT NULL,
  stamp INTEGER NOT NULL DEFAULT 0,
  push_num INTEGER,
  hold_until INTEGER NOT NULL DEFAULT 0,
  look_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  registered_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX activities_by_device ON activities (device_num, session_num);
CREATE INDEX activities_by_session ON activities (session_num);
CREATE INDEX activities_to_look_at ON activities (look_at);

ALTER TABLE deliveries ADD COLUMN activity_num INTEGER REFERENCES activities (num) ON DELETE SET NULL;
CREATE INDEX deliveries_by_activity ON deliveries (activity_num) WHERE activity_num IS NOT NULL;
`;
