import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../platform/app-error.ts';
import { tailsOfPacked, type PackedTail } from '../process/packed-tail.ts';
import { packedJournal } from './archive/archive.ts';
import { incarnationFolder } from './lifecycle/start-incarnation.ts';

/** At most this many bytes from the end of a file are looked at. */
const WINDOW = 1024 * 1024;

export type LogStream = 'out' | 'err';
/** Whose journal: the one of a live or dormant session is a folder, an old one or an archived session's is packed. */
export interface LogPlace {
  dataDir: string;
  sessionId: string;
  incarnationId: string;
}
export interface LogLines {
  lines: string[];
  /** The file has more than these, or the first of them was cut. */
  truncated: boolean;
}

/** The last lines of each stream that is asked for; one that was never written has none. */
export async function readLogs(place: LogPlace, streams: readonly LogStream[], count: number): Promise<Map<LogStream, LogLines>> {
  const folder = incarnationFolder(place.dataDir, place.incarnationId);
  const found = new Map(streams.map((name) => [name, tailOfFile(join(folder, name))]));
  // A folder goes only when what is in it is packed.
  const packed = [...found.values()].includes(null) ? await tailsOfJournal(place, streams) : new Map<string, PackedTail>();
  return new Map(streams.map((name) => [name, linesIn(found.get(name) ?? packed.get(name) ?? { bytes: Buffer.alloc(0), size: 0 }, count)]));
}

function tailOfFile(path: string): PackedTail | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, size - WINDOW);
    const bytes = Buffer.alloc(size - start);
    return { size, bytes: bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, start)) };
  } finally {
    closeSync(fd);
  }
}

async function tailsOfJournal(
  { dataDir, sessionId, incarnationId }: LogPlace,
  streams: readonly LogStream[],
): Promise<Map<string, PackedTail>> {
  try {
    return await tailsOfPacked(packedJournal(dataDir, sessionId, incarnationId), streams, WINDOW);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return new Map();
    throw error;
  }
}

function linesIn({ bytes, size }: PackedTail, count: number): LogLines {
  const lines = bytes.toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return { lines: lines.slice(-count), truncated: size > bytes.length || lines.length > count };
}
