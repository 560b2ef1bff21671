import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from './identity.ts';
import { onLinux } from './identity.ts';

/** Resident memory of these processes together, in MiB; one that is gone counts nothing. Leaves the CPU figures of `treeUsage` alone. */
export function residentMb(members: readonly ProcessIdentity[]): number {
  const pids = members.map(({ pid }) => pid);
  if (pids.length === 0) return 0;
  const kilobytes = onLinux ? pids.map(fromProc) : fromPs(pids);
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
}

function fromProc(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0; // it ended just now
  }
}

function fromPs(pids: readonly number[]): number[] {
  try {
    return execFileSync('ps', ['-o', 'rss=', '-p', pids.join()], { encoding: 'latin1' }).trim().split(/\s+/).map(Number);
  } catch {
    return []; // none of them is left
  }
}
