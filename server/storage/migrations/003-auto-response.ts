export const autoResponse = `
ALTER TABLE turns ADD COLUMN auto_response TEXT;
`;
