import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../server/storage/database.ts';
import { lockDataDir } from '../../server/storage/lock.ts';
import { openStore } from '../../server/storage/store.ts';

describe('the store', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'holdfast-store-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('[ST1] is in WAL mode with the asked durability, and nobody else may read its files', () => {
    const path = join(folder, 'x.db');
    const db = openDatabase(path, 'FULL');
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    for (const name of ['x.db', 'x.db-wal']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    db.close();
  });

  it('[ST2] keeps what it has when it is opened again, and refuses one of a newer version', () => {
    const path = join(folder, 'x.db');
    const first = openDatabase(path);
    openStore(first).meta.set('key', 'value');
    first.close();
    const second = openDatabase(path);
    expect(openStore(second).meta.get('key')).toBe('value');
    second.pragma('user_version = 999');
    second.close();
    expect(() => openDatabase(path)).toThrow(/newer Holdfast/);
  });

  it('[ST3] undoes a transaction that throws, and nested ones join it', () => {
    const store = openStore(openDatabase(':memory:'));
    const fail = (): void =>
      store.transaction(() => {
        store.transaction(() => store.meta.set('inner', '1'));
        throw new Error('no');
      });
    expect(fail).toThrow('no');
    expect(store.meta.get('inner')).toBeUndefined();
  });

  it('[ST4] has one server: a second one is told so, and the lock goes with its holder', () => {
    const lock = lockDataDir(folder);
    expect(() => lockDataDir(folder)).toThrow(expect.objectContaining({ code: 'locked-data-dir' }));
    lock.release();
    lockDataDir(folder).release();
  });
});
