import type { Word } from './shell-words.ts';

/** One of these flags, also with a value behind `=`. */
export const has = (args: readonly Word[], ...flags: string[]): boolean =>
  args.some(({ text }) => flags.includes(text.split('=')[0] ?? ''));
/** A one-letter flag, also among others (`-xrf`). */
export const letter = (args: readonly Word[], letters: string): boolean =>
  args.some(({ text }) => new RegExp(`^-[A-Za-z0-9]*[${letters}]`).test(text));
/** What is no option: what does not begin with a dash, and all behind `--`. */
export const operands = (args: readonly Word[]): Word[] => {
  const end = args.findIndex(({ text }) => text === '--');
  const plain = (list: readonly Word[]): Word[] => list.filter(({ text }) => !text.startsWith('-'));
  return end < 0 ? plain(args) : [...plain(args.slice(0, end)), ...args.slice(end + 1)];
};
