import { describe, expect, it } from 'vitest';
import { readiness } from '../server/health.ts';
import { openDatabase } from '../server/storage/database.ts';
import { openStore } from '../server/storage/store.ts';
import { temporaryFolder } from './process/temporary.ts';

const pool = { isOpen: true, live: [], max: 10, effectiveMax: 10, waiting: 0 };

describe('/ready', () => {
  it('[FG11] says which check says no, and why: the store, the folder, the disk, the pool', () => {
    const db = openDatabase(':memory:');
    const store = openStore(db);
    const dataDir = temporaryFolder();
    const failing = (parts: Partial<Parameters<typeof readiness>[0]>): string[] => {
      const { ready, checks } = readiness({ store, pool, dataDir, ...parts });
      expect(ready).toBe(checks.every(({ ok }) => ok));
      return checks.filter(({ ok, detail }) => !ok && detail).map(({ name }) => name);
    };
    expect(failing({})).toEqual([]);
    expect(failing({ dataDir: `${dataDir}/gone` })).toEqual(['data-dir', 'disk']);
    expect(failing({ pool: { ...pool, isOpen: false } })).toEqual(['pool']);
    db.close();
    expect(failing({})).toEqual(['store']);
  });

  it('[FG11] a full pool is ready, and says how far its limit was lowered', () => {
    const store = openStore(openDatabase(':memory:'));
    const { checks } = readiness({ store, pool: { ...pool, effectiveMax: 4, waiting: 3 }, dataDir: temporaryFolder() });
    expect(checks.find(({ name }) => name === 'pool')).toEqual({
      name: 'pool',
      ok: true,
      detail: '0 of 4 slots in use, lowered from 10 for lack of memory; 3 sessions wait',
    });
  });
});
