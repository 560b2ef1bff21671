import { fstatSync, readSync } from 'node:fs';
import { JournalError } from './journal-error.ts';

/** A line as it was recorded before it was written; `bytes` include its LF. */
export interface RecordedLine {
  /** Bytes from the start of the file. */
  offset: number;
  /** Bytes. */
  length: number;
  bytes: Buffer;
}

/**
 * What of these lines (contiguous, ascending, up to the last one recorded) the open file lacks: nothing, or the end of
 * one line and all later ones. Throws a JournalError if the file cannot have come from these lines.
 */
export function missingFrom(fd: number, lines: readonly RecordedLine[]): { offset: number; bytes: Buffer }[] {
  const size = fstatSync(fd).size;
  const start = lines[0]?.offset ?? 0;
  let end = start;
  for (const line of lines) {
    if (line.offset !== end || line.length !== line.bytes.length) {
      throw new JournalError('misplaced', `The recorded line at ${line.offset} does not follow the one that ends at ${end}.`);
    }
    end += line.length;
  }
  if (size > end) throw new JournalError('longer', `The journal has ${size} bytes, but only ${end} were recorded.`);
  if (size < start) throw new JournalError('shorter', `The journal ends at ${size}, before the recorded line at ${start}.`);
  return lines.flatMap((line) => {
    const present = Math.min(line.length, Math.max(0, size - line.offset));
    if (!read(fd, line.offset, present).equals(line.bytes.subarray(0, present))) {
      throw new JournalError('different', `The journal differs from the recorded line at ${line.offset}.`);
    }
    return present === line.length ? [] : { offset: line.offset + present, bytes: line.bytes.subarray(present) };
  });
}

function read(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
