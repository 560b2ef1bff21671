import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../platform/app-error.ts';

/** At most this many bytes from the end of a file are looked at. */
const WINDOW = 1024 * 1024;

/** The last lines of a file; `truncated` when it has more than these. A missing file has none. */
export function tailLines(folder: string, name: 'out' | 'err', count: number): { lines: string[]; truncated: boolean } {
  let fd: number;
  try {
    fd = openSync(join(folder, name), 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { lines: [], truncated: false };
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, size - WINDOW);
    const bytes = Buffer.alloc(size - start);
    const read = readSync(fd, bytes, 0, bytes.length, start);
    const lines = bytes.toString('utf8', 0, read).split('\n');
    if (lines.at(-1) === '') lines.pop();
    return { lines: lines.slice(-count), truncated: start > 0 || lines.length > count };
  } finally {
    closeSync(fd);
  }
}
