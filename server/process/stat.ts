import { closeSync, openSync, readSync } from 'node:fs';

/** What one line of a process table says. `startTime` only compares for equality: clock ticks since boot on Linux, a date elsewhere. */
export interface ProcessRow {
  pid: number;
  parent: number;
  group: number;
  session: number | null;
  zombie: boolean;
  startTime: string;
}

/** Reads the text of /proc/<pid>/stat. The command may hold spaces and parens, so the fields are counted from the last paren. */
export function parseStat(text: string): ProcessRow | null {
  const close = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  if (close < 0 || Number.isNaN(pid)) return null;
  const fields = text.slice(close + 2).split(' ');
  const [state, parent, group, session] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return null;
  const zombie = state === 'Z' || state === 'X' || state === 'x';
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), zombie, startTime };
}

// Read and parsed within one turn of the event loop. A line has some 350 bytes.
const statBuffer = Buffer.allocUnsafe(4096);

/** One process of Linux's /proc, or null if it is gone. */
export function readStat(pid: number): ProcessRow | null {
  try {
    const fd = openSync(`/proc/${pid}/stat`, 'r');
    try {
      return parseStat(statBuffer.toString('latin1', 0, readSync(fd, statBuffer, 0, statBuffer.length, 0)));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null; // gone, or never there
  }
}

const markName = Buffer.from('HOLDFAST_INCARNATION=');
let environ = Buffer.allocUnsafe(64 * 1024);

/** The value of HOLDFAST_INCARNATION in a process's environment (Linux), or null if it has none or belongs to someone else. */
export function readMark(pid: number): string | null {
  let length = 0;
  try {
    const fd = openSync(`/proc/${pid}/environ`, 'r');
    try {
      for (;;) {
        const count = readSync(fd, environ, length, environ.length - length, null);
        if (count === 0) break;
        length += count;
        if (length === environ.length) environ = Buffer.concat([environ], length * 2);
      }
    } finally {
      closeSync(fd);
    }
  } catch {
    return null; // gone, a kernel thread, or another user's
  }
  return markIn(environ.subarray(0, length));
}

function markIn(block: Buffer): string | null {
  for (let at = block.indexOf(markName); at >= 0; at = block.indexOf(markName, at + 1)) {
    if (at > 0 && block[at - 1] !== 0) continue;
    const end = block.indexOf(0, at);
    return block.toString('utf8', at + markName.length, end < 0 ? block.length : end);
  }
  return null;
}
