export const effort = `
ALTER TABLE sessions ADD COLUMN effort TEXT;
ALTER TABLE incarnations ADD COLUMN effort TEXT;
`;
