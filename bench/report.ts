/** One line of the report. Texts are ready to print. */
export interface Row {
  measure: string;
  ours: string;
  baseline: string;
  /** Their difference or ratio. */
  compared: string;
  target: string;
  /** null: there is no target, the figure is for orientation. */
  met: boolean | null;
}

/** A table of its own beside the rows: a line for each thing that was measured. Texts are ready to print. */
export interface Table {
  /** The marks of a Markdown file call it so. */
  name: string;
  heads: readonly string[];
  lines: readonly (readonly string[])[];
  /** What could not be measured, in a sentence each. */
  failures: readonly string[];
}

const HEADS: readonly [keyof Row, string][] = [
  ['measure', 'measure'],
  ['ours', 'ours'],
  ['baseline', 'baseline'],
  ['compared', 'difference or ratio'],
  ['target', 'target'],
  ['met', 'met?'],
];

export function milliseconds(value: number): string {
  return `${value.toFixed(Math.abs(value) < 100 ? 2 : 0)} ms`;
}

/** With its sign, as a difference is shown. */
export function added(value: number): string {
  return `${value < 0 ? '−' : '+'}${milliseconds(Math.abs(value))}`;
}

export function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}

function cells(row: Row): string[] {
  return HEADS.map(([key]) => (key === 'met' ? (row.met === null ? '' : row.met ? 'yes' : 'NO') : String(row[key])));
}

function rowLines(rows: readonly Row[]): string[][] {
  return [HEADS.map(([, head]) => head), ...rows.map(cells)];
}

/** The first line is the head. */
function aligned([head = [], ...rest]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rest].map((line) => (line[column] ?? '').length)));
  const draw = (line: readonly string[]): string =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [draw(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rest.map(draw)].join('\n');
}

function markdown([head = [], ...rest]: readonly (readonly string[])[]): string {
  const draw = (line: readonly string[]): string => `| ${line.join(' | ')} |`;
  return [draw(head), draw(head.map(() => '---')), ...rest.map(draw)].join('\n');
}

/** The report as an aligned table. */
export function textTable(rows: readonly Row[]): string {
  return aligned(rowLines(rows));
}

/** The same as Markdown. */
export function markdownTable(rows: readonly Row[]): string {
  return markdown(rowLines(rows));
}

/** A table of its own, aligned. */
export function ownTextTable({ heads, lines }: Table): string {
  return aligned([heads, ...lines]);
}

/** The same as Markdown. */
export function ownMarkdownTable({ heads, lines }: Table): string {
  return markdown([heads, ...lines]);
}

/** One sentence about the targets. */
export function verdict(rows: readonly Row[]): string {
  const judged = rows.filter((row) => row.met !== null);
  const missed = judged.filter((row) => row.met === false);
  if (judged.length === 0) return 'There is no target among them.';
  if (missed.length === 0) return `${judged.length === 1 ? 'The target is' : `All ${judged.length} targets are`} met.`;
  return `${missed.length} of ${judged.length} targets missed: ${missed.map((row) => `${row.measure} (${row.compared || row.ours}, target ${row.target})`).join('; ')}.`;
}
