import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { tarEnd, tarHeader, tarPadding } from './tar.ts';

/**
 * Packs the regular files of a folder into one .tar.gz (0600): streamed, and either there whole or not at all. `temporary` must be
 * on the same disk as `target`. Rejects with the system's error, and leaves the folder as it is.
 */
export async function packFolder(folder: string, target: string, temporary: string, signal?: AbortSignal): Promise<void> {
  await rm(temporary, { force: true });
  try {
    const packed = createWriteStream(temporary, { flags: 'wx', mode: 0o600, flush: true });
    await pipeline(tarOf(folder), createGzip(), packed, signal ? { signal } : {});
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(target));
}

async function* tarOf(folder: string): AsyncGenerator<Buffer> {
  for (const path of await filesIn(folder)) {
    const { size, mtimeMs } = await lstat(path);
    yield tarHeader({ name: join(basename(folder), relative(folder, path)), size, mtimeMs });
    let left = size;
    if (size > 0) {
      for await (const bytes of createReadStream(path, { end: size - 1 }) as AsyncIterable<Buffer>) {
        left -= bytes.length;
        yield bytes;
      }
    }
    if (left !== 0) throw new Error(`${path} became shorter while it was packed.`);
    yield tarPadding(size);
  }
  yield tarEnd;
}

/** Regular files only: the pipe of an incarnation is nothing to keep. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
