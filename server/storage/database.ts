import { closeSync, openSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { AppError, isDiskFull } from '../platform/app-error.ts';
import { migrations } from './migrations/migrations.ts';

export type Database = Sqlite.Database;

/** How often a commit reaches the disk: NORMAL survives a killed server, FULL a power cut too. */
export type Synchronous = 'NORMAL' | 'FULL';

/** Opens (or makes) the store in WAL mode and brings its schema up to date. Throws AppError `disk-full`. */
export function openDatabase(path: string, synchronous: Synchronous = 'NORMAL'): Database {
  try {
    // SQLite gives its -wal and -shm files the mode of the database file.
    if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
    const db = new Sqlite(path);
    // One server at a time has this folder (see lock.ts): without sharing there is no lock to take for each read, and no -shm file.
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${synchronous}`);
    db.pragma('foreign_keys = ON');
    db.pragma('journal_size_limit = 67108864');
    // KiB, as a negative number. Its default of 16 MiB fills up over a day and gains nothing for rows that are written once.
    db.pragma('cache_size = -4096');
    migrate(db);
    return db;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw new AppError('disk-full', 'The disk of DATA_DIR is full. Make room, then start again.', { cause: error });
  }
}

/** Applies what is missing, each step in a transaction of its own; refuses a store from a newer version. */
function migrate(db: Database): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > migrations.length)
    throw new Error(`The store has version ${version}, this program knows ${migrations.length}: install a newer Holdfast.`);
  migrations.slice(version).forEach((sql, index) => {
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${version + index + 1}`);
    })();
  });
}
