import { accessSync, constants, statfsSync } from 'node:fs';
import type { ReadyView } from './contracts/server-views.ts';
import { messageOf } from './platform/app-error.ts';
import { inotifyLimit } from './process/inotify.ts';
import type { InteractiveSessionPool } from './sessions/pool/pool.ts';
import type { Store } from './storage/store.ts';

const LEAST_FREE_MB = 50;

type Check = ReadyView['checks'][number];
type Pool = Pick<InteractiveSessionPool, 'isOpen' | 'live' | 'max' | 'effectiveMax' | 'waiting'>;

/** Whether work can be taken on, with the reasons where not. A low inotify limit is told, but agents then poll. */
export function readiness(parts: { store: Store; pool: Pool; dataDir: string }): ReadyView {
  const { store, pool, dataDir } = parts;
  const checks = [storeCheck(store), folderCheck(dataDir), diskCheck(dataDir), poolCheck(pool), inotifyCheck(pool.max)];
  return { ready: checks.every((check) => check.ok), checks };
}

function storeCheck(store: Store): Check {
  try {
    store.transaction(() => store.meta.set('last_check', 'ok'));
    return { name: 'store', ok: true };
  } catch (error) {
    return { name: 'store', ok: false, detail: `The database cannot be written: ${messageOf(error)}.` };
  }
}

function folderCheck(dataDir: string): Check {
  try {
    accessSync(dataDir, constants.W_OK);
    return { name: 'data-dir', ok: true };
  } catch (error) {
    return { name: 'data-dir', ok: false, detail: messageOf(error) };
  }
}

function diskCheck(dataDir: string): Check {
  try {
    const { bavail, bsize } = statfsSync(dataDir);
    const freeMb = Math.floor((bavail * bsize) / 1024 / 1024);
    const ok = freeMb >= LEAST_FREE_MB;
    return { name: 'disk', ok, detail: ok ? `${freeMb} MB free` : `Only ${freeMb} MB are free; make room.` };
  } catch (error) {
    return { name: 'disk', ok: false, detail: messageOf(error) };
  }
}

/** A full pool is still ready: work waits there, or is refused with its own reason. */
function poolCheck({ isOpen, live, max, effectiveMax, waiting }: Pool): Check {
  if (!isOpen) return { name: 'pool', ok: false, detail: 'The server is stopping.' };
  const lowered = effectiveMax < max ? `, lowered from ${max} for lack of memory` : '';
  return { name: 'pool', ok: true, detail: `${live.length} of ${effectiveMax} slots in use${lowered}; ${waiting} sessions wait` };
}

function inotifyCheck(sessions: number): Check {
  const limit = inotifyLimit();
  if (limit === null || limit > sessions * 2) return { name: 'inotify', ok: true };
  const detail = `fs.inotify.max_user_instances is ${limit}, low for ${sessions} sessions (MAX_CONCURRENT_SESSIONS): agents beyond it poll 50 times a second. Raise it with sysctl.`;
  return { name: 'inotify', ok: true, detail };
}
