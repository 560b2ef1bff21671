import { cut } from '../agents/json.ts';

/** The beginning of a text, at most `max` UTF-16 units with the … that marks a cut; never half of what people see as one character. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text.toWellFormed();
  // One character has no upper bound (a letter with a thousand accents), so only a little beyond the end is looked at.
  const near = text.slice(0, max + 64);
  const end = new Intl.Segmenter().segment(near).containing(max - 1)?.index ?? 0;
  const kept = end > max - 64 ? near.slice(0, end) : cut(near, max - 1);
  return `${kept.trimEnd().toWellFormed()}…`;
}

/** A text as one line without control characters, shortened. */
export function oneLine(text: string, max: number): string {
  const line = text
    .slice(0, max * 4 + 256)
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return shorten(line, max);
}

/** The first lines that say something, as one line each, shortened together. */
export function firstLines(text: string, count: number, max: number): string {
  const lines = text
    .slice(0, max * 4 + 256)
    .split('\n')
    .map((line) => oneLine(line, max))
    .filter((line) => line !== '');
  return shorten(lines.slice(0, count).join('\n') + (lines.length > count ? ' …' : ''), max);
}
