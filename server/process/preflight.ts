import { accessSync, constants, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDiskFull } from '../platform/app-error.ts';
import { cannotRun } from './runs-here.ts';

interface Obstacle {
  code: 'no-folder' | 'not-installed';
  detail: string;
}

/** Says beforehand what the shell could only say in its own words: a missing folder or program, or one for another machine. Null if nothing is in the way. */
export function cannotLaunch(request: { cwd: string; file: string; env: Readonly<Record<string, string>> }): Obstacle | null {
  if (!statSync(request.cwd, { throwIfNoEntry: false })?.isDirectory()) {
    return { code: 'no-folder', detail: `There is no folder ${request.cwd}.` };
  }
  const path = request.env['PATH'] ?? '/usr/bin:/bin';
  const places = request.file.includes('/')
    ? [resolve(request.cwd, request.file)]
    : path.split(':').map((place) => join(resolve(request.cwd, place), request.file));
  const found = places.find(isExecutable);
  const why = found === undefined ? null : cannotRun(found, { platform: process.platform, arch: process.arch, env: request.env });
  if (why !== null) return { code: 'not-installed', detail: `${request.file} cannot run on this machine: it ${why}.` };
  if (found !== undefined) return null;
  return { code: 'not-installed', detail: `${request.file} is not installed, or not executable.` };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Whether a file of one page could not be written here for want of room. */
export function isFull(folder: string): boolean {
  const probe = join(folder, 'probe');
  try {
    writeFileSync(probe, Buffer.alloc(4096), { mode: 0o600 });
    return false;
  } catch (error) {
    return isDiskFull(error);
  } finally {
    try {
      unlinkSync(probe);
    } catch {
      // it was never made
    }
  }
}
