import pidusage from 'pidusage';
import type { ProcessIdentity } from './identity.ts';
import { isAlive } from './identity.ts';

/** How long the last look at a process is remembered. Beyond pidusage's own minute a slower health check would never see any CPU. */
const REMEMBERED_MS = 24 * 3_600_000;

export interface TreeUsage {
  /** Resident memory of all, in MiB. Pages that they share are counted for each. */
  memoryMb: number;
  /** Since the last call, 0 at the first one; 100 is one core. */
  cpuPercent: number;
}

/** What these processes use together. One that is gone counts nothing. */
export async function treeUsage(members: readonly ProcessIdentity[]): Promise<TreeUsage> {
  const [usage] = await treesUsage([members.filter(isAlive)]);
  return usage ?? { memoryMb: 0, cpuPercent: 0 };
}

/** The same for many trees by one look, for members that were found just now: a hundred looks would cost thirty times as much. */
export async function treesUsage(trees: readonly (readonly ProcessIdentity[])[]): Promise<TreeUsage[]> {
  const pids = trees.flatMap((members) => members.map(({ pid }) => pid));
  const found = pids.length === 0 ? {} : await figures(pids);
  return trees.map((members) => {
    const total = { memoryMb: 0, cpuPercent: 0 };
    for (const { pid } of members) {
      const usage = found[pid];
      if (!usage) continue; // it ended just now
      total.memoryMb += usage.memory / 1024 / 1024;
      total.cpuPercent += usage.cpu;
    }
    return total;
  });
}

async function figures(pids: number[]): Promise<Record<string, pidusage.Status | null | undefined>> {
  try {
    return await pidusage(pids, { maxage: REMEMBERED_MS });
  } catch {
    return {}; // it rejects when none of them is left
  }
}
