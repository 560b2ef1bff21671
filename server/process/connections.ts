import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from './identity.ts';
import { onLinux } from './identity.ts';

const ESTABLISHED = '01';

/** How many TCP connections these processes hold open; null where that can't be seen (elsewhere than on Linux). */
export function openConnections(members: readonly ProcessIdentity[]): number | null {
  if (!onLinux) return null;
  const sockets = new Set(members.flatMap(({ pid }) => socketsOf(pid)));
  if (sockets.size === 0) return 0;
  return ['tcp', 'tcp6'].reduce((count, table) => count + established(table).filter((inode) => sockets.has(inode)).length, 0);
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    return []; // it has ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function established(table: string): string[] {
  try {
    const rows = readFileSync(`/proc/net/${table}`, 'latin1').trim().split('\n').slice(1);
    return rows.flatMap((row) => {
      const fields = row.trim().split(/\s+/);
      return fields[3] === ESTABLISHED && fields[9] !== undefined ? [fields[9]] : [];
    });
  } catch {
    return [];
  }
}
