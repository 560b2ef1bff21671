import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { identify, isAlive } from '../../server/process/identity.ts';
import { endAgents, isDataDir } from '../stop/end-agents.ts';
import { endServer } from '../stop/end-server.ts';

const PREFIX = 'holdfast-demo-';
/** The demo's server has nothing to save, so it gets little time to end, in milliseconds. */
const PATIENCE_MS = 3_000;
/** A demo that has just made its folder may not have signed it yet. */
const YOUNG_MS = 60_000;

/** Everything that a demo has on disk. */
export interface DemoFolder {
  root: string;
  dataDir: string;
  home: string;
  project: string;
  /** Key and certificates of the push service. */
  push: string;
  /** What agents leave in the folder for temporary files goes with the rest. */
  temporary: string;
}

const Owner = z.object({ pid: z.int(), startTime: z.string(), bootId: z.string() });

/** Makes the folder of this demo, signed with this process's identity, so that the next demo knows whether it is still in use. */
export function makeDemoFolder(): DemoFolder {
  // The real path: on macOS /tmp is a link, and projects are known by their real paths.
  const root = realpathSync(mkdtempSync(join(tmpdir(), PREFIX)));
  const folder = {
    root,
    dataDir: join(root, 'data'),
    home: join(root, 'home'),
    project: join(root, 'project'),
    push: join(root, 'push'),
    temporary: join(root, 'tmp'),
  };
  writeFileSync(join(root, 'demo.json'), JSON.stringify(identify(process.pid)), { mode: 0o600 });
  for (const path of [folder.home, folder.project, folder.temporary]) mkdirSync(path, { mode: 0o700 });
  return folder;
}

/** Ends the server and all agents of a demo, and removes its folder. Returns the pids that could not be ended. */
export async function removeDemoFolder(root: string): Promise<number[]> {
  const dataDir = join(root, 'data');
  let left: number[] = [];
  if (isDataDir(dataDir)) {
    const server = await endServer(dataDir, PATIENCE_MS);
    try {
      const { agents } = await endAgents(dataDir, 'kill');
      left = agents.flatMap((agent) => agent.left.map(({ pid }) => pid));
    } finally {
      server.release();
    }
  }
  rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return left;
}

/** Clears up after demos of this user that were killed and could not do it themselves; returns their folders. */
export async function removeLeftovers(): Promise<string[]> {
  const found = readdirSync(tmpdir())
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(tmpdir(), name))
    .filter(isLeftover);
  for (const root of found) await removeDemoFolder(root);
  return found;
}

function isLeftover(root: string): boolean {
  const stat = statSync(root, { throwIfNoEntry: false });
  if (!stat?.isDirectory() || stat.uid !== userInfo().uid) return false;
  try {
    return !isAlive(Owner.parse(JSON.parse(readFileSync(join(root, 'demo.json'), 'utf8'))));
  } catch {
    return Date.now() - stat.mtimeMs > YOUNG_MS;
  }
}
