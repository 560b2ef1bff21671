import { freemem } from 'node:os';
import { onLinux } from './identity.ts';

/**
 * MiB that this machine can still give away: what Linux calls available. Infinite elsewhere: macOS counts only pages that
 * nobody ever used as free, next to none on a healthy machine, and MAX_TOTAL_MEMORY_GB holds there alone.
 */
export function freeMemoryMb(): number {
  return onLinux ? freemem() / 1024 / 1024 : Infinity;
}
