import type { Database } from './database.ts';

/** What sets the given columns of a table's row and no others; a statement is prepared once for each set of columns. */
export function updateColumns<Change extends object>(db: Database, table: string): (num: number, change: Change) => void {
  const statements = new Map<string, ReturnType<Database['prepare']>>();
  return (num, change) => {
    const names = Object.keys(change).sort();
    if (names.length === 0) return;
    const sql = `UPDATE ${table} SET ${names.map((name) => `${name} = @${name}`).join(', ')} WHERE num = @num`;
    let statement = statements.get(sql);
    if (!statement) statements.set(sql, (statement = db.prepare(sql)));
    statement.run({ ...change, num });
  };
}
