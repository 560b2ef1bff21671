// The tar format (POSIX ustar, with a pax header for a name that ustar has no room for).

/** Everything in a tar stands in blocks of so many bytes. */
export const TAR_BLOCK = 512;
const NAME_BYTES = 100;
/** The largest size that eleven octal digits can say. */
const MOST_OCTAL = 8 ** 11 - 1;

export interface TarEntry {
  name: string;
  size: number;
  mtimeMs: number;
}

/** What stands before a file's bytes. */
export function tarHeader(entry: TarEntry): Buffer {
  if (Buffer.byteLength(entry.name) <= NAME_BYTES) return block(entry, '0');
  const record = paxRecord('path', entry.name);
  return Buffer.concat([
    block({ ...entry, name: 'pax', size: record.length }, 'x'),
    record,
    tarPadding(record.length),
    block({ ...entry, name: 'long-name' }, '0'),
  ]);
}

/** What stands after a file of this size. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK);
}

/** The end of an archive. */
export const tarEnd: Buffer = Buffer.alloc(2 * TAR_BLOCK);

/** What a header of ours says; null for a block of zeros. A name that ustar has no room for is not looked up. */
export function readTarHeader(header: Buffer): Pick<TarEntry, 'name' | 'size'> | null {
  if (header[0] === 0) return null;
  const name = header.toString('utf8', 0, NAME_BYTES).replace(/\0.*$/s, '');
  const size = header[124] === 0x80 ? Number(header.readBigUInt64BE(128)) : Number.parseInt(header.toString('latin1', 124, 136), 8);
  return { name, size };
}

function block({ name, size, mtimeMs }: TarEntry, type: '0' | 'x'): Buffer {
  const header = Buffer.alloc(TAR_BLOCK);
  header.write(name, 0, NAME_BYTES);
  header.write(octal(0o600, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  if (size <= MOST_OCTAL) header.write(octal(size, 11), 124);
  else {
    // As GNU tar does beyond 8 GiB: a binary number, marked by its first bit.
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write(octal(Math.max(0, Math.floor(mtimeMs / 1_000)), 11), 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\0' + '00', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return header;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** `LENGTH key=value\n`, where the length counts its own digits too. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}
