import type { Output } from '../../agents/driver.ts';

/** Bytes of one output event. */
export const MOST_BYTES = 32 * 1024;

/** The same outputs with what a terminal printed in a row put together, and cut where an event would be too large. */
export function mergeOutput(outputs: readonly Output[]): Output[] {
  const merged: Output[] = [];
  let printed: string[] = [];
  const flush = (): void => {
    const bytes = printed.join('');
    printed = [];
    for (let from = 0; from < bytes.length; from += MOST_BYTES)
      merged.push({ kind: 'output', bytes: bytes.slice(from, from + MOST_BYTES) });
  };
  for (const output of outputs) {
    if (output.kind === 'output') printed.push(output.bytes);
    else {
      flush();
      merged.push(output);
    }
  }
  flush();
  return merged;
}
