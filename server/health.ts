import { accessSync, constants, statfsSync } from 'node:fs';
import type { Settings } from '../config/settings.ts';
import type { ReadyView } from './contracts/server-views.ts';
import { messageOf } from './platform/app-error.ts';
import { inotifyLimit } from './process/inotify.ts';
import type { Store } from './storage/store.ts';

const LEAST_FREE_MB = 50;

type Check = ReadyView['checks'][number];

/** Whether work can be taken on, with the reasons where not. A low inotify limit is told, but agents then poll. */
export function readiness(store: Store, dataDir: string, settings: Pick<Settings, 'maxConcurrentSessions'>): ReadyView {
  const checks = [storeCheck(store), folderCheck(dataDir), diskCheck(dataDir), inotifyCheck(settings.maxConcurrentSessions)];
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
  const { bavail, bsize } = statfsSync(dataDir);
  const freeMb = Math.floor((bavail * bsize) / 1024 / 1024);
  const ok = freeMb >= LEAST_FREE_MB;
  return { name: 'disk', ok, detail: ok ? `${freeMb} MB free` : `Only ${freeMb} MB are free; make room.` };
}

function inotifyCheck(sessions: number): Check {
  const limit = inotifyLimit();
  if (limit === null || limit > sessions * 2) return { name: 'inotify', ok: true };
  const detail = `fs.inotify.max_user_instances is ${limit}, low for ${sessions} sessions (MAX_CONCURRENT_SESSIONS): agents beyond it poll 50 times a second. Raise it with sysctl.`;
  return { name: 'inotify', ok: true, detail };
}
