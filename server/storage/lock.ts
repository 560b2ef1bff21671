import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { AppError, systemCode } from '../platform/app-error.ts';

/** Holds DATA_DIR for this server alone, for as long as it lives: an open exclusive transaction, which kill -9 frees. */
export function lockDataDir(dataDir: string): { release: () => void } {
  const path = join(dataDir, 'lock.db');
  closeSync(openSync(path, 'a', 0o600));
  const db = new Sqlite(path, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (!systemCode(error)?.startsWith('SQLITE_BUSY')) throw error;
    throw new AppError(
      'locked-data-dir',
      `Another Holdfast server is using ${dataDir}. Stop it (npm run stop), or set DATA_DIR to another folder.`,
      {
        cause: error,
      },
    );
  }
  return { release: () => db.close() };
}
