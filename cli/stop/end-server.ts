import { setTimeout as pause } from 'node:timers/promises';
import { readRunning } from '../../server/data-dir.ts';
import { AppError } from '../../server/platform/app-error.ts';
import { systemClock } from '../../server/platform/clock.ts';
import { isAlive, signal, type ProcessIdentity } from '../../server/process/identity.ts';
import { lockDataDir } from '../../server/storage/lock.ts';

/** How long a server may take to end by itself, in milliseconds. */
const PATIENCE_MS = 15_000;
/** How long to wait for a lock that nobody explains. */
const LOCK_MS = 12_000;
const LOOK_EVERY_MS = 50;

export interface EndedServer {
  /** The server that ran; null where none did. */
  pid: number | null;
  /** It did not mind TERM. */
  killed: boolean;
  /** DATA_DIR is held until then, so that no other server starts between. */
  release: () => void;
}

/**
 * Ends the server of a data folder and takes its lock. A server that is only just starting has the lock but has not left word of
 * itself yet, hence the looking again. Throws `locked-data-dir` when the folder stays taken.
 */
export async function endServer(dataDir: string, patienceMs: number = PATIENCE_MS): Promise<EndedServer> {
  const until = systemClock.monotonic() + LOCK_MS;
  let ended: { pid: number | null; killed: boolean } = { pid: null, killed: false };
  while (systemClock.monotonic() < until) {
    const running = readRunning(dataDir);
    if (running && isAlive(running.identity)) ended = await end(dataDir, running.identity, patienceMs);
    const lock = tryLock(dataDir);
    if (lock) return { ...ended, release: lock.release };
    await pause(LOOK_EVERY_MS);
  }
  throw new AppError(
    'locked-data-dir',
    `Something holds ${dataDir} and leaves no word of itself. Look for it with: lsof ${dataDir}/lock.db`,
  );
}

async function end(dataDir: string, server: ProcessIdentity, patienceMs: number): Promise<{ pid: number; killed: boolean }> {
  const { pid } = server;
  if (!signal(server, 'SIGTERM') && isAlive(server))
    throw new AppError('locked-data-dir', `The server of ${dataDir} (pid ${pid}) may not be ended by this user.`);
  if (await isGone(server, patienceMs)) return { pid, killed: false };
  signal(server, 'SIGKILL');
  if (!(await isGone(server, patienceMs))) throw new AppError('locked-data-dir', `The server of ${dataDir} (pid ${pid}) does not end.`);
  return { pid, killed: true };
}

async function isGone(server: ProcessIdentity, milliseconds: number): Promise<boolean> {
  const until = systemClock.monotonic() + milliseconds;
  while (isAlive(server)) {
    if (systemClock.monotonic() > until) return false;
    await pause(LOOK_EVERY_MS);
  }
  return true;
}

function tryLock(dataDir: string): { release: () => void } | null {
  try {
    return lockDataDir(dataDir);
  } catch (error) {
    if (error instanceof AppError && error.code === 'locked-data-dir') return null;
    throw error;
  }
}
