import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readPs } from './ps.ts';
import type { ProcessRow } from './stat.ts';
import { readStat } from './stat.ts';

/** A process, proof against reuse of its pid and against a reboot. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot on Linux, the text of `ps -o lstart` (UTC) elsewhere; only ever compared. */
  startTime: string;
  bootId: string;
}

export const onLinux = process.platform === 'linux';

let boot: string | undefined;

/** Names this boot of the machine; another value after each reboot. */
export function bootId(): string {
  boot ??= onLinux ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : sysctlBoot();
  return boot;
}

// kern.boottime moves when the clock is set, so the session's own id is better where the system has one.
function sysctlBoot(): string {
  for (const name of ['kern.bootsessionuuid', 'kern.boottime']) {
    const text = spawnSync('sysctl', ['-n', name], { encoding: 'utf8' }).stdout?.trim();
    if (text) return /sec = (\d+)/.exec(text)?.[1] ?? text;
  }
  return 'unknown';
}

/** One process as the system shows it now, zombie or not; null if there is none. */
export function lookUp(pid: number): ProcessRow | null {
  return onLinux ? readStat(pid) : (readPs(pid)[0] ?? null);
}

/** The identity of a live process; null if it is gone or a zombie. */
export function identify(pid: number): ProcessIdentity | null {
  const row = lookUp(pid);
  return row === null || row.zombie ? null : { pid, startTime: row.startTime, bootId: bootId() };
}

/** Whether exactly this process still runs; a zombie does not. About 10 µs on Linux, some milliseconds elsewhere. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const row = lookUp(identity.pid);
  return row !== null && !row.zombie && row.startTime === identity.startTime;
}

/** A quick look that may take a successor of the same pid, or a zombie, for the process. On Linux it is as good as `isAlive`. */
export function seemsAlive(identity: ProcessIdentity): boolean {
  if (onLinux) return isAlive(identity);
  try {
    process.kill(identity.pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Sends a signal to exactly this process. False if it is gone, is another one by now, or may not be signalled. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (identity.pid <= 1 || identity.pid === process.pid || !isAlive(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch {
    return false; // it ended in between, or it changed its user
  }
}
