import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ProcessIdentity } from './process/identity.ts';
import type { Store } from './storage/store.ts';

/** Where a running server is found: its identity and its address. */
export interface RunningServer {
  identity: ProcessIdentity;
  url: string;
}

/** Makes the data folder and what it always has, each 0700. */
export function prepareDataDir(dataDir: string): void {
  for (const folder of [dataDir, join(dataDir, 'incarnations')]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  }
}

/** The id of this data folder, made once; every process that belongs to it carries it. */
export function dataId(store: Store): string {
  const known = store.meta.get('data_id');
  if (known !== undefined) return known;
  const made = randomUUID();
  store.meta.set('data_id', made);
  return made;
}

/** Leaves word of the running server. */
export function writeRunning(dataDir: string, running: RunningServer): void {
  const path = join(dataDir, 'server.json');
  writeFileSync(`${path}.t`, JSON.stringify(running), { mode: 0o600 });
  renameSync(`${path}.t`, path);
}

const Running: z.ZodType<RunningServer> = z.object({
  identity: z.object({ pid: z.int(), startTime: z.string(), bootId: z.string() }),
  url: z.string(),
});

/** What the last server left; null where there is nothing (readable). */
export function readRunning(dataDir: string): RunningServer | null {
  try {
    return Running.parse(JSON.parse(readFileSync(join(dataDir, 'server.json'), 'utf8')));
  } catch {
    return null;
  }
}

/** Takes the word back at a regular end. */
export function removeRunning(dataDir: string): void {
  rmSync(join(dataDir, 'server.json'), { force: true });
}
