import { expect, it } from 'vitest';
import { ingestBare, recordWrites } from '../../bench/ingest/bare.ts';
import { benchDatabase, type BenchDatabase } from '../../bench/ingest/database.ts';
import { decodedBefore, ingestOurs } from '../../bench/ingest/ours.ts';
import { turns } from '../../bench/ingest/workload.ts';

it('the bench of ingest does the same work on all its sides', async () => {
  const all = turns(2);
  const cut = { lines: 8 };
  const on = async <T>(work: (database: BenchDatabase) => Promise<T>): Promise<T> => {
    const database = benchDatabase();
    try {
      return await work(database);
    } finally {
      database.remove();
    }
  };
  const recorded = await recordWrites(benchDatabase, all, cut);
  const ours = await on((database) => ingestOurs(database, all, cut));
  const decoded = await on((database) => ingestOurs(database, all, cut, { driver: decodedBefore(all) }));
  const bare = await on(async (database) => ingestBare(database, all, recorded));
  expect(ours.events).toBeGreaterThan(100);
  expect([decoded.events, bare.events]).toEqual([ours.events, ours.events]);
});
