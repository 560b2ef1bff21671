/** What the limit of live processes depends on. Memory in MiB. */
export interface LimitInputs {
  /** MAX_CONCURRENT_SESSIONS. */
  max: number;
  live: number;
  /** Memory that live processes use together, as measured. */
  usedMb: number;
  /** MAX_TOTAL_MEMORY_GB. */
  totalMb: number;
  /** What the machine has left. */
  freeMb: number;
  /** What one process is expected to use where none was measured yet. */
  expectedMb: number;
}

/** Memory of the machine that is left alone. */
const RESERVE_MB = 512;

/** How many processes may live now, and which figure says so. Never above the maximum, never below one. */
export function effectiveLimit(inputs: LimitInputs): { limit: number; reason: string } {
  const { max, live, usedMb, totalMb, freeMb, expectedMb } = inputs;
  const each = Math.max(1, live > 0 && usedMb > 0 ? usedMb / live : expectedMb);
  const byTotal = Math.floor(totalMb / each);
  const byFree = live + Math.floor((freeMb - RESERVE_MB) / each);
  const limit = Math.max(1, Math.min(max, byTotal, byFree));
  const per = `${Math.round(each)} MB each`;
  if (limit === max) return { limit, reason: 'MAX_CONCURRENT_SESSIONS' };
  if (byTotal <= byFree) return { limit, reason: `MAX_TOTAL_MEMORY_GB holds ${byTotal} at ${per}` };
  return { limit, reason: `the machine has ${Math.round(freeMb)} MB free, at ${per}` };
}
