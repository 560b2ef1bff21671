import type { Database } from '../../server/storage/database.ts';
import type { Store } from '../../server/storage/store.ts';
import { acceptTurn, type BenchDatabase } from './database.ts';
import { ingestOurs, type IngestRun } from './ours.ts';
import { chunkSizes, type Cut, type RecordedTurn } from './workload.ts';

type Value = string | number | bigint | Buffer | null;
/** One write: SQL and its values, in order. */
export interface Write {
  sql: string;
  values: Value[];
}
interface Statement {
  run(...values: Value[]): unknown;
}
/** The writes of every batch of every turn. */
export type Recorded = Write[][][];

const READS = /^\s*(?:SELECT|PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)/i;

/** Lists every write that ingesting these turns does, batch by batch, by running it once on a store that takes note of its statements. */
export async function recordWrites(
  makeDatabase: (wrap: (db: Database) => Database) => BenchDatabase,
  turns: readonly RecordedTurn[],
  cut: Cut,
): Promise<Recorded> {
  let current: Write[] = [];
  const wrap = (db: Database): Database =>
    new Proxy(db, {
      get(target, name) {
        if (name === 'prepare') return (sql: string) => noting(target.prepare(sql), sql, (write) => current.push(write));
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
  const database = makeDatabase(wrap);
  const batches: Write[][] = [];
  // What accepting a turn writes comes before its first batch and is not measured.
  const store: Store = { ...database.store, transaction: startOf(database.store, () => (current = [])) };
  const onBatch = (): void => {
    batches.push(current);
    current = [];
  };
  try {
    await ingestOurs({ ...database, store }, turns, cut, { onBatch });
  } finally {
    database.remove();
  }
  let from = 0;
  return turns.map(({ out }) => batches.slice(from, (from += chunkSizes(out, cut).length)));
}

function startOf(store: Store, onStart: () => void): Store['transaction'] {
  return (body) => {
    if (!store.db.inTransaction) onStart();
    return store.transaction(body);
  };
}

/** A prepared statement that tells of its writes, with named values put in order. */
function noting<S extends object>(statement: S, sql: string, note: (write: Write) => void): S {
  if (READS.test(sql)) return statement;
  return new Proxy(statement, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== 'run') return (value as (...args: unknown[]) => unknown).bind(target);
      return (...args: unknown[]) => {
        note(positional(sql, args));
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

/** `@name` becomes `?`: what a bare loop would write. */
function positional(sql: string, args: unknown[]): Write {
  const [first] = args;
  if (args.length !== 1 || typeof first !== 'object' || first === null || Buffer.isBuffer(first)) return { sql, values: args as Value[] };
  const values: Value[] = [];
  const named = first as Record<string, Value>;
  const plain = sql.replaceAll(/@(\w+)/g, (_, name: string) => {
    values.push(named[name] ?? null);
    return '?';
  });
  return { sql: plain, values };
}

/** Writes the same rows in the same transactions with prepared statements and nothing else. */
export function ingestBare(
  { db, store }: Pick<BenchDatabase, 'db' | 'store'>,
  turns: readonly RecordedTurn[],
  recorded: Recorded,
): IngestRun {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const statements = new Map<string, Statement>();
  const prepared = recorded.map((batches) =>
    batches.map((writes) =>
      writes.map(({ sql, values }) => {
        let statement = statements.get(sql);
        if (!statement) statements.set(sql, (statement = db.prepare<Value[]>(sql)));
        return { statement, values };
      }),
    ),
  );
  let events = 0;
  let batches = 0;
  let milliseconds = 0;
  for (const [index, turn] of turns.entries()) {
    acceptTurn(store, turn);
    const started = performance.now();
    for (const writes of prepared[index] ?? []) {
      begin.run();
      for (const { statement, values } of writes) statement.run(...values);
      commit.run();
    }
    milliseconds += performance.now() - started;
    batches += recorded[index]?.length ?? 0;
    events += (recorded[index] ?? []).flat().filter(({ sql }) => sql.startsWith('INSERT INTO events')).length;
  }
  return { milliseconds, events, batches };
}
