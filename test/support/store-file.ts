import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '../../server/storage/database.ts';
import type { Holdfast } from './holdfast.ts';

/** Looks into the database of a server that may run. A server shares it with nobody, so this opens a copy of its files. */
export function lookIntoStore<T>(holdfast: Holdfast, look: (db: Database) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
  try {
    const copy = join(folder, 'holdfast.db');
    copyStore(join(holdfast.dataDir, 'holdfast.db'), copy);
    return withDatabase(copy, look);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Changes what is in the database while the server is down. */
export function changeStore(holdfast: Holdfast, change: (db: Database) => void): void {
  withDatabase(join(holdfast.dataDir, 'holdfast.db'), change);
}

/** The files fit together where no checkpoint came between, which would change the first of them. */
function copyStore(from: string, to: string): void {
  for (;;) {
    const before = statSync(from).mtimeMs;
    copyFileSync(from, to);
    rmSync(`${to}-wal`, { force: true });
    if (existsSync(`${from}-wal`)) copyFileSync(`${from}-wal`, `${to}-wal`);
    if (statSync(from).mtimeMs === before) return;
  }
}

function withDatabase<T>(path: string, use: (db: Database) => T): T {
  const db = openDatabase(path);
  try {
    return use(db);
  } finally {
    db.close();
  }
}

/** Pids of the spare processes that are ready. */
export function readySpares(holdfast: Holdfast): number[] {
  const rows = lookIntoStore(holdfast, (db) =>
    db
      .prepare<[], { process: string }>(
        `SELECT i.process FROM sessions s JOIN incarnations i ON i.id = s.incarnation_id WHERE s.spare = 1 AND s.state = 'ready'`,
      )
      .all(),
  );
  return rows.map((row) => (JSON.parse(row.process) as { pid: number }).pid);
}
