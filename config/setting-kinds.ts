import path from 'node:path';
import { z } from 'zod';

// Each kind turns the text of a variable into its value, or says in half a sentence what the text must be.

/** What a path setting is relative to. */
export interface Place {
  home: string;
  cwd: string;
}

/** A number, fractions allowed, in the given bounds. */
export function decimal(min: number, max: number) {
  const error = `must be a number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^(\d+(\.\d*)?|\.\d+)$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number(error).min(min, error).max(max, error));
}

export function whole(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number(error).min(min, error).max(max, error));
}

export const flag = z.enum(['true', 'false'], { error: 'must be true or false' }).transform((text) => text === 'true');

export function oneOf<const T extends readonly [string, ...string[]]>(names: T) {
  return z.enum(names, { error: `must be one of ${names.join(', ')}` });
}

/** An absolute path; `~` is the home folder, anything else relative is so to the working directory. */
function resolvePath(text: string, place: Place): string {
  if (text === '~') return place.home;
  return text.startsWith('~/') ? path.join(place.home, text.slice(2)) : path.resolve(place.cwd, text);
}

export const pathIn = (place: Place) => z.string().transform((text) => resolvePath(text, place));

/** Several paths with ':' between them. */
export const pathsIn = (place: Place) =>
  z.string().transform((text) =>
    text
      .split(':')
      .filter((part) => part !== '')
      .map((part) => resolvePath(part, place)),
  );

/** A program: a name is looked for in PATH later, anything with a slash or `~` is a path. */
export const commandIn = (place: Place) => z.string().transform((text) => (/[/~]/.test(text) ? resolvePath(text, place) : text));

/** Words with commas or blanks between them; each must fit the pattern. */
export function words(pattern: RegExp, error: string) {
  return z
    .string()
    .transform((text) => text.split(/[\s,]+/).filter((word) => word !== ''))
    .refine((list) => list.every((word) => pattern.test(word)), error);
}

/** A secret that can't be guessed by its length alone. */
export const secret = z.string().regex(/^[\x21-\x7e]{16,500}$/, 'must be 16 to 500 printable characters without blanks');
