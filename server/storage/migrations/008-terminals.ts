export const terminals = `
ALTER TABLE sessions ADD COLUMN terminal TEXT;
CREATE INDEX sessions_terminals ON sessions (owner, project_path, name) WHERE terminal IS NOT NULL;
`;
