import { spawnSync } from 'node:child_process';
import type { ProcessRow } from './stat.ts';

// A fixed zone and language: otherwise a journey or a changed setting would give every process a new start time.
const env = { PATH: '/bin:/usr/bin:/sbin:/usr/sbin', LC_ALL: 'C', TZ: 'UTC' };

/** One line of `ps -o pid=,ppid=,pgid=,stat=,lstart=`. */
export function parsePsLine(line: string): ProcessRow | null {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S.*?)\s*$/.exec(line);
  if (!match) return null;
  const [, pid, parent, group, state = '', startTime = ''] = match;
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    session: null,
    zombie: state.startsWith('Z'),
    startTime: startTime.replace(/\s+/g, ' '),
  };
}

/** Asks `ps` (where there is no /proc) for one process, or for all. It takes milliseconds: not for a hot path. */
export function readPs(pid?: number): ProcessRow[] {
  const which = pid === undefined ? ['-ax'] : ['-p', String(pid)];
  const result = spawnSync('ps', [...which, '-o', 'pid=,ppid=,pgid=,stat=,lstart='], {
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return (result.stdout ?? '').split('\n').flatMap((line) => parsePsLine(line) ?? []);
}
