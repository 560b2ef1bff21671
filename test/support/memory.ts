import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../config/find-command.ts';
import { eventually } from './eventually.ts';
import type { Holdfast } from './holdfast.ts';

/** The program of a server that can be asked by `heldMb`. */
export const measuredServer = join(packageRoot, 'test/support/measured-server.ts');

/** Memory that a measured server holds on to now, in MiB: what is left when its garbage is collected. */
export async function heldMb(holdfast: Holdfast): Promise<number> {
  const before = holdfast.output.length;
  process.kill(holdfast.pid, 'SIGUSR2');
  const printed = await eventually(() => /Memory (\d+)\n/.exec(holdfast.output.slice(before)));
  return Number(printed[1]) / 2 ** 20;
}

function figure(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Resident memory of a process, in MiB. */
export function residentMb(pid: number): number {
  return figure(pid, 'VmRSS');
}

/** Forgets the highest memory that a process had so far, so that `peakMb` tells what it has had since. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The most memory that a process has had since `resetPeak`, in MiB. */
export function peakMb(pid: number): number {
  return figure(pid, 'VmHWM');
}
