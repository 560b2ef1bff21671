import { describe, expect, test } from 'vitest';
import { LineFramer } from '../../server/process/framing.ts';

interface Plain {
  text: string | null;
  end: number;
}

/** The slow and obvious way: everything in memory, then cut. Of lines that are too long only the fact is compared. */
function naively(all: Buffer, maxBytes: number): { text: string | null }[] {
  const lines: { text: string | null }[] = [];
  let from = 0;
  for (let at = 0; at < all.length; at++) {
    if (all[at] !== 0x0a) continue;
    lines.push({ text: at - from > maxBytes ? null : all.toString('latin1', from, at) });
    from = at + 1;
  }
  if (all.length - from > maxBytes) lines.push({ text: null });
  return lines;
}

/** mulberry32: the same seed, the same bytes. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

const morsels = ['\n', '\n', '\n', '\r\n', '\r', '\u2028', '\u2029', '\u0085', '{"a":1}', 'é', '', 'x'.repeat(50), '\0'].map((text) =>
  Buffer.from(text),
);

function stream(pick: (below: number) => number): Buffer {
  const parts: Buffer[] = [];
  for (let count = pick(60); count > 0; count--) {
    const morsel = morsels[pick(morsels.length + 1)];
    parts.push(morsel ?? Buffer.from([0xff, 0xc3, pick(256), 0xe2, 0x80]));
  }
  return Buffer.concat(parts);
}

function plain(framed: { bytes: Buffer; end: number; tooLong: boolean }[]): Plain[] {
  return framed.map(({ bytes, end, tooLong }) => ({ text: tooLong ? null : bytes.toString('latin1'), end }));
}

describe('framing', () => {
  test('[FR1] only LF ends a line: U+2028, U+2029, NEL, CR and broken UTF-8 stay inside, byte for byte', () => {
    const framer = new LineFramer();
    const first = Buffer.concat([Buffer.from('{"a":"\u2028\u2029\u0085"}\r'), Buffer.from([0xff, 0xc3])]);
    const lines = framer.push(Buffer.concat([first, Buffer.from('\n\nrest')]));
    expect(lines.map((line) => line.bytes)).toEqual([first, Buffer.alloc(0)]);
    expect(lines.map((line) => line.end)).toEqual([first.length + 1, first.length + 2]);
    expect(framer.rest().toString()).toBe('rest');
    expect(framer.offset).toBe(first.length + 2);
  });

  test('[FR2] any cutting into chunks gives the same lines as cutting the whole (seeded)', () => {
    for (let seed = 1; seed <= 3_000; seed++) {
      const pick = random(seed);
      const all = stream(pick);
      const maxBytes = 1 + pick(120);
      const framer = new LineFramer(maxBytes);
      const got: Plain[] = [];
      for (let at = 0; at < all.length;) {
        const size = 1 + pick(pick(2) ? 3 : 200);
        // The chunk's memory is reused by the reader.
        const chunk = Buffer.from(all.subarray(at, at + size));
        got.push(...plain(framer.push(chunk)));
        chunk.fill(0x2e);
        at += size;
      }
      expect(
        got.map(({ text }) => ({ text })),
        `seed ${seed}`,
      ).toEqual(naively(all, maxBytes));
      expect(framer.rest().length).toBeLessThanOrEqual(maxBytes);
    }
  });

  test('[FR3] a reader that starts again at any saved place neither loses nor repeats a line (seeded)', () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const pick = random(seed + 50_000);
      const all = stream(pick);
      const maxBytes = 1 + pick(120);
      let framer = new LineFramer(maxBytes);
      const got: Plain[] = [];
      while (framer.position < all.length) {
        const size = 1 + pick(40);
        got.push(...plain(framer.push(Buffer.from(all.subarray(framer.position, framer.position + size)))));
        if (pick(3) === 0) framer = new LineFramer(maxBytes, framer.offset, framer.skipping);
      }
      expect(
        got.map(({ text }) => ({ text })),
        `seed ${seed}`,
      ).toEqual(naively(all, maxBytes));
    }
  });

  test('[FR4] a line beyond the bound is reported once with its beginning, and the next one is read', () => {
    const framer = new LineFramer(10);
    expect(framer.push(Buffer.from('0123456789'))).toEqual([]);
    const [reported] = framer.push(Buffer.from('abc'));
    expect(reported).toMatchObject({ tooLong: true, end: 13 });
    expect(reported?.bytes.toString()).toBe('0123456789abc');
    expect([framer.offset, framer.skipping, framer.rest().length]).toEqual([13, true, 0]);
    expect(framer.push(Buffer.from('more'))).toEqual([]);
    expect([framer.offset, framer.skipping]).toEqual([17, true]);
    expect(plain(framer.push(Buffer.from('end\nnext\n')))).toEqual([{ text: 'next', end: 26 }]);
    expect(framer.skipping).toBe(false);
  });

  test('[FR5] a line that is too long takes bounded memory, however long it is', () => {
    const framer = new LineFramer(1024 * 1024);
    const chunk = Buffer.alloc(256 * 1024, 'x');
    const before = process.memoryUsage().arrayBuffers;
    let reports = 0;
    for (let count = 0; count < 400; count++) reports += framer.push(chunk).length;
    expect(reports).toBe(1);
    expect(framer.rest().length).toBe(0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  });

  test('[FR6] a long line that comes in tiny pieces is put together in linear time', () => {
    const framer = new LineFramer();
    const piece = Buffer.alloc(16, 'x');
    for (let count = 0; count < 250_000; count++) framer.push(piece);
    const [line] = framer.push(Buffer.from('\n'));
    expect(line?.bytes.length).toBe(4_000_000);
  }, 5_000);
});
