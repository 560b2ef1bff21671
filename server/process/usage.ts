import pidusage from 'pidusage';
import type { ProcessIdentity } from './identity.ts';
import { isAlive } from './identity.ts';

export interface TreeUsage {
  /** Resident memory of all, in MiB. Pages that they share are counted for each. */
  memoryMb: number;
  /** Since the last call (at first: since each one's start); 100 is one core. */
  cpuPercent: number;
}

/** What these processes use together. One that is gone counts nothing. */
export async function treeUsage(members: readonly ProcessIdentity[]): Promise<TreeUsage> {
  const total = { memoryMb: 0, cpuPercent: 0 };
  const pids = members.filter(isAlive).map(({ pid }) => pid);
  if (pids.length === 0) return total;
  for (const usage of Object.values(await figures(pids))) {
    if (!usage) continue; // it ended just now
    total.memoryMb += usage.memory / 1024 / 1024;
    total.cpuPercent += usage.cpu;
  }
  return total;
}

async function figures(pids: number[]): Promise<Record<string, pidusage.Status | null | undefined>> {
  try {
    return await pidusage(pids);
  } catch {
    return {}; // it rejects when none of them is left
  }
}
