import { readFileSync } from 'node:fs';

/** One of the ticks in which Linux tells CPU time, in milliseconds: USER_HZ is 100 everywhere. */
const TICK_MS = 10;

/** CPU time in milliseconds from the text of /proc/<pid>/stat: user and system, of all threads, and of children that have ended. */
export function cpuMsOf(stat: string): number {
  // The command may hold spaces and parens: fields are counted from the last paren.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
}

/** CPU time that a process has used so far, in milliseconds, to 10 ms. */
export function cpuMs(pid: number): number {
  return cpuMsOf(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}
