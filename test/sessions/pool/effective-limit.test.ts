import { describe, expect, it } from 'vitest';
import { effectiveLimit, type LimitInputs } from '../../../server/sessions/pool/effective-limit.ts';

/** A machine with room for everything. */
const roomy: LimitInputs = { max: 10, live: 4, usedMb: 800, totalMb: 4_096, freeMb: 20_000, expectedMb: 200 };

describe('the effective limit', () => {
  it('[PO10] is the configured maximum where memory allows it, and never above', () => {
    expect(effectiveLimit(roomy)).toEqual({ limit: 10, reason: 'MAX_CONCURRENT_SESSIONS' });
    expect(effectiveLimit({ ...roomy, totalMb: 1_000_000, freeMb: 1_000_000 }).limit).toBe(10);
  });

  it('[PO11] follows what a process was measured to take, and what all may take together', () => {
    const { limit, reason } = effectiveLimit({ ...roomy, live: 2, usedMb: 2_048 });
    expect(limit).toBe(4);
    expect(reason).toBe('MAX_TOTAL_MEMORY_GB holds 4 at 1024 MB each');
  });

  it('[PO12] follows the memory that the machine has left, of which some is left alone', () => {
    const { limit, reason } = effectiveLimit({ ...roomy, freeMb: 512 + 450 });
    expect(limit).toBe(6);
    expect(reason).toBe('the machine has 962 MB free, at 200 MB each');
    expect(effectiveLimit({ ...roomy, freeMb: 312 }).limit).toBe(3);
  });

  it('[PO13] expects the usual of a process where none was measured, and is never below one', () => {
    expect(effectiveLimit({ ...roomy, live: 0, usedMb: 0, totalMb: 700 }).limit).toBe(3);
    expect(effectiveLimit({ ...roomy, freeMb: 0, totalMb: 1 }).limit).toBe(1);
  });
});
