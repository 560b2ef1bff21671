import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '../../server/storage/database.ts';
import { openStore, type Store } from '../../server/storage/store.ts';
import type { RecordedTurn } from './workload.ts';

export const SESSION = { num: 1, id: '00000000-0000-4000-8000-00000000a001' };
export const INCARNATION = '00000000-0000-4000-8000-00000000b001';

/** A store on disk as the server opens it (WAL, NORMAL), with one session and one incarnation in it. */
export interface BenchDatabase {
  folder: string;
  db: Database;
  store: Store;
  remove: () => void;
}

/** Makes one in a temporary folder. `remove` deletes it; `wrap` may put something between the store and SQLite. */
export function benchDatabase(wrap: (db: Database) => Database = (db) => db): BenchDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const db = openDatabase(join(folder, 'holdfast.db'), 'NORMAL');
  const store = openStore(wrap(db));
  const made = {
    owner: 'owner',
    name: 'bench',
    agent: 'claude',
    project_path: '/project',
    mode: 'auto',
    model: null,
    labels: '[]',
    created_at: 1,
  };
  store.sessions.insert({ id: SESSION.id, ...made });
  const incarnation = {
    id: INCARNATION,
    session_num: SESSION.num,
    agent: 'claude',
    resumed: 0,
    boot_id: 'boot',
    driver_state: '{}',
    state_version: 1,
  };
  store.incarnations.insert({ ...incarnation, mode: 'auto', model: null, created_at: 1 });
  const remove = (): void => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { folder, db, store, remove };
}

/** What accepting and writing a message leaves in the store: not part of what is measured. */
export function acceptTurn(store: Store, turn: RecordedTurn): void {
  store.turns.insert(turn.turnId, SESSION.num, '{}', store.events.head(SESSION.num)?.head_seq ?? 0, Date.now());
  store.turns.setState(turn.turnId, 'written');
}
