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

/** The report as an aligned table. */
export function textTable(rows: readonly Row[]): string {
  const lines = [HEADS.map(([, head]) => head), ...rows.map(cells)];
  const widths = HEADS.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const draw = (line: string[]): string =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [head = [], ...rest] = lines;
  return [draw(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rest.map(draw)].join('\n');
}

/** The same as Markdown. */
export function markdownTable(rows: readonly Row[]): string {
  const draw = (line: string[]): string => `| ${line.join(' | ')} |`;
  return [draw(HEADS.map(([, head]) => head)), draw(HEADS.map(() => '---')), ...rows.map((row) => draw(cells(row)))].join('\n');
}

/** One sentence about the targets. */
export function verdict(rows: readonly Row[]): string {
  const judged = rows.filter((row) => row.met !== null);
  const missed = judged.filter((row) => row.met === false);
  if (judged.length === 0) return 'There is no target among them.';
  if (missed.length === 0) return `${judged.length === 1 ? 'The target is' : `All ${judged.length} targets are`} met.`;
  return `${missed.length} of ${judged.length} targets missed: ${missed.map((row) => `${row.measure} (${row.compared || row.ours}, target ${row.target})`).join('; ')}.`;
}
