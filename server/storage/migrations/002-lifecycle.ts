export const lifecycle = `
ALTER TABLE sessions ADD COLUMN warned_at INTEGER;
ALTER TABLE sessions ADD COLUMN archived_at INTEGER;
ALTER TABLE sessions ADD COLUMN forked_from TEXT;
ALTER TABLE sessions ADD COLUMN fork_of TEXT;
ALTER TABLE sessions ADD COLUMN spare INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incarnations ADD COLUMN archived_at INTEGER;
CREATE INDEX incarnations_to_archive ON incarnations (ended_at) WHERE ended_at IS NOT NULL AND archived_at IS NULL;
CREATE INDEX sessions_by_use ON sessions (state, last_activity_at);
CREATE INDEX sessions_spare ON sessions (project_path) WHERE spare = 1;
`;
