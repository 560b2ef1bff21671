import { readFileSync } from 'node:fs';
import { readTable } from '../../server/process/process-table.ts';

/** What a tree of processes holds, in MiB. */
export interface TreeFigures {
  processes: number;
  /** Resident set: pages that several share count for each. */
  rssMb: number;
  /** Proportional set: a page that several share counts once, in parts. */
  pssMb: number;
}

/** These processes and all that descends from them, as /proc tells. */
export function treeFigures(roots: Iterable<number>): TreeFigures {
  const table = readTable();
  const pids = new Set(roots);
  // A Set that grows while it is walked is walked to its new end.
  for (const pid of pids) for (const row of table.values()) if (row.parent === pid && !row.zombie) pids.add(row.pid);
  const figures = { processes: 0, rssMb: 0, pssMb: 0 };
  for (const pid of pids) {
    const text = rollup(pid);
    if (text === '') continue;
    figures.processes += 1;
    figures.rssMb += mib(text, 'Rss');
    figures.pssMb += mib(text, 'Pss');
  }
  return figures;
}

function mib(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024;
}

function rollup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  } catch {
    return ''; // it has just ended
  }
}
