let made: Intl.Segmenter | undefined;
/** Made when it is needed: it takes a megabyte. */
const segmenter = (): Intl.Segmenter => (made ??= new Intl.Segmenter());
const MARK = '…';

/** Bytes that a text takes inside a JSON string. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

/**
 * The beginning of a text that takes at most so many bytes inside a JSON string, with the … that marks a cut. It ends between characters
 * as people see them; where the first one alone is too long, between code points.
 */
export function fitBytes(text: string, most: number): string {
  // A character takes a byte at least.
  if (text.length <= most && jsonBytes(text) <= most) return text;
  const room = most - Buffer.byteLength(MARK);
  if (room <= 0) return '';
  const near = text.slice(0, most + 64).toWellFormed();
  const characters = taken(
    Array.from(segmenter().segment(near), ({ segment }) => segment),
    room,
  );
  const kept = characters === '' ? taken(near, room) : characters;
  return `${kept.trimEnd()}${MARK}`;
}

function taken(parts: Iterable<string>, room: number): string {
  let kept = '';
  let left = room;
  for (const part of parts) {
    left -= jsonBytes(part);
    if (left < 0) break;
    kept += part;
  }
  return kept;
}
