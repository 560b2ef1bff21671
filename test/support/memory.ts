import { readFileSync, writeFileSync } from 'node:fs';

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
