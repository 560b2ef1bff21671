import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { TAR_BLOCK, readTarHeader, tarPadding } from './tar.ts';

/** The end of a packed file, and how large all of it is. */
export interface PackedTail {
  bytes: Buffer;
  size: number;
}

/**
 * The last bytes, at most `most` of each, of files in what `packFolder` made, by their names inside the folder. Memory is bounded
 * however large the archive is. Rejects with the system's error, and with zlib's where the archive is damaged.
 */
export async function tailsOfPacked(packed: string, names: readonly string[], most: number): Promise<Map<string, PackedTail>> {
  const reader = new TailReader(names, most);
  await pipeline(createReadStream(packed), createGunzip(), async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) reader.take(chunk);
  });
  return reader.tails();
}

/** Walks through a tar stream, and keeps the ends of the files that are asked for. */
class TailReader {
  readonly #most: number;
  readonly #ends: Map<string, { size: number; kept: Buffer[]; bytes: number }>;
  readonly #names: ReadonlySet<string>;
  /** Bytes of a header that is not yet whole. */
  #header: Buffer = Buffer.alloc(0);
  /** What is left of the file at hand, and of the padding behind it. */
  #left = 0;
  #padding = 0;
  #name = '';

  constructor(names: readonly string[], most: number) {
    this.#most = most;
    this.#names = new Set(names);
    this.#ends = new Map();
  }

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const skipped = Math.min(this.#left || this.#padding || TAR_BLOCK - this.#header.length, chunk.length - at);
      const part = chunk.subarray(at, at + skipped);
      at += skipped;
      if (this.#left > 0) this.#takeBytes(part);
      else if (this.#padding > 0) this.#padding -= part.length;
      else this.#takeHeader(part);
    }
  }

  tails(): Map<string, PackedTail> {
    return new Map([...this.#ends].map(([name, { size, kept }]) => [name, { size, bytes: Buffer.concat(kept).subarray(-this.#most) }]));
  }

  #takeHeader(part: Buffer): void {
    this.#header = Buffer.concat([this.#header, part]);
    if (this.#header.length < TAR_BLOCK) return;
    const entry = readTarHeader(this.#header);
    this.#header = Buffer.alloc(0);
    if (entry === null) return; // the end is blocks of zeros
    this.#left = entry.size;
    this.#padding = tarPadding(entry.size).length;
    this.#name = entry.name.slice(entry.name.indexOf('/') + 1);
    if (this.#names.has(this.#name)) this.#ends.set(this.#name, { size: entry.size, kept: [], bytes: 0 });
  }

  #takeBytes(part: Buffer): void {
    this.#left -= part.length;
    const end = this.#ends.get(this.#name);
    if (!end) return;
    end.kept.push(part);
    end.bytes += part.length;
    // A piece goes as soon as those behind it are enough.
    for (let first = end.kept[0]; first && end.bytes - first.length >= this.#most; first = end.kept[0]) {
      end.bytes -= first.length;
      end.kept.shift();
    }
  }
}
