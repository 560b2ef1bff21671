import { join } from 'node:path';
import { openDatabase, type Database } from '../../server/storage/database.ts';
import type { Holdfast } from './holdfast.ts';

/** Looks into the server's database from outside, or changes what is in it while the server is down. */
export function inStore<T>(holdfast: Holdfast, look: (db: Database) => T): T {
  const db = openDatabase(join(holdfast.dataDir, 'holdfast.db'));
  try {
    return look(db);
  } finally {
    db.close();
  }
}

/** Pids of the spare processes that are ready. */
export function readySpares(holdfast: Holdfast): number[] {
  const rows = inStore(holdfast, (db) =>
    db
      .prepare<[], { process: string }>(
        `SELECT i.process FROM sessions s JOIN incarnations i ON i.id = s.incarnation_id WHERE s.spare = 1 AND s.state = 'ready'`,
      )
      .all(),
  );
  return rows.map((row) => (JSON.parse(row.process) as { pid: number }).pid);
}
