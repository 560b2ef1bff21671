import type { Screen } from '../driver.ts';

const names = [
  ...['pane_width', 'pane_height', 'cursor_x', 'cursor_y', 'cursor_flag', 'alternate_on', 'alternate_saved_x', 'alternate_saved_y'],
  ...['insert_flag', 'keypad_cursor_flag', 'keypad_flag', 'mouse_standard_flag', 'mouse_button_flag', 'mouse_all_flag', 'mouse_sgr_flag'],
  ...['origin_flag', 'wrap_flag', 'scroll_region_upper', 'scroll_region_lower'],
] as const;
type Fact = (typeof names)[number];

/** What tmux is asked about a screen, as one line of numbers. */
export const facts = names.map((name) => `#{${name}}`).join(',');

const ESC = '\x1b';

/** Modes with the fact that says whether they are on, and the sequences that set them; the second is for the one that is on at first. */
const modes: [Fact, on: string, off: string][] = [
  ['insert_flag', '[4h', ''],
  ['keypad_cursor_flag', '[?1h', ''],
  ['keypad_flag', '=', ''],
  ['mouse_standard_flag', '[?1000h', ''],
  ['mouse_button_flag', '[?1002h', ''],
  ['mouse_all_flag', '[?1003h', ''],
  ['mouse_sgr_flag', '[?1006h', ''],
  ['wrap_flag', '', '[?7l'],
  ['cursor_flag', '', '[?25l'],
];

/**
 * A screen from tmux's answers: facts, the lines that are shown with those before them, and the main screen where a full-screen
 * program hides it. Lines are latin1, as they came. Null where an answer is not what it should be.
 */
export function screenOf(answers: {
  facts: string;
  lines: string[];
  main: string[];
  bracketedPaste: boolean;
  unfinished: string;
}): Screen | null {
  const numbers = answers.facts.split(',').map(Number);
  if (numbers.length !== names.length || numbers.some((value) => !Number.isInteger(value))) return null;
  const fact = Object.fromEntries(names.map((name, index) => [name, numbers[index]])) as Record<Fact, number>;
  const { pane_width: cols, pane_height: rows, cursor_x: cursorX, cursor_y: cursorY } = fact;
  const alternate = fact.alternate_on === 1;
  const shown = answers.lines.slice(-rows);
  const before = answers.lines.slice(0, -rows);
  const restored = [`${ESC}c`];
  if (alternate) {
    // The two screens were asked for apart: the colours of the one do not go on in the other.
    restored.push(before.length > 0 ? `${drawn(before)}\r\n` : '', drawn(answers.main));
    restored.push(moved(fact.alternate_saved_x, fact.alternate_saved_y), `${ESC}[?1049h${ESC}[H`, drawn(shown, colours(before, '')));
  } else restored.push(drawn([...before, ...shown]));
  if (fact.scroll_region_upper > 0 || fact.scroll_region_lower < rows - 1)
    restored.push(`${ESC}[${fact.scroll_region_upper + 1};${fact.scroll_region_lower + 1}r`);
  for (const [name, on, off] of modes) {
    const sequence = fact[name] === 1 ? on : off;
    if (sequence !== '') restored.push(`${ESC}${sequence}`);
  }
  if (answers.bracketedPaste) restored.push(`${ESC}[?2004h`);
  restored.push(moved(cursorX, cursorY));
  // Moving is relative to the region in origin mode, so that comes last.
  if (fact.origin_flag === 1) restored.push(`${ESC}[?6h`, moved(cursorX, Math.max(0, cursorY - fact.scroll_region_upper)));
  restored.push(answers.unfinished);
  const data = Buffer.from(restored.join(''), 'latin1').toString('base64');
  const text = Buffer.from(plain(answers.lines), 'latin1').toString('utf8');
  return { cols, rows, cursorX, cursorY, alternate, data, text };
}

function moved(x: number, y: number): string {
  return `${ESC}[${y + 1};${x + 1}H`;
}

const rendition = /\x1b\[([\d;:]*)m/g;

/** Lines below each other. Colours go on from line to line, but no line feed happens in one: it would fill the next line with it. */
function drawn(lines: readonly string[], before = ''): string {
  let active = before;
  const parts = lines.map((line) => {
    const begin = active;
    active = colours([line], active);
    return begin + line + (active === '' ? '' : `${ESC}[0m`);
  });
  return parts.join('\r\n');
}

/** The sequences that are in force after some lines. */
function colours(lines: readonly string[], before: string): string {
  let active = before;
  for (const line of lines)
    for (const [sequence, values = ''] of line.matchAll(rendition))
      active = /^0*(;|$)/.test(values) ? reset(sequence, values) : active + sequence;
  return active;
}

/** What is active after a sequence that begins with a reset. */
function reset(sequence: string, values: string): string {
  return /^0*$/.test(values) ? '' : sequence;
}

function plain(lines: readonly string[]): string {
  return lines.map((line) => line.replaceAll(/\x1b\[[\d;:]*m|\x1b\][^\x1b]*\x1b\\|[\x0e\x0f]/g, '').trimEnd()).join('\n');
}
