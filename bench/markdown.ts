import { machineSentence, type Machine } from './machine.ts';
import { markdownTable, verdict, type Row } from './report.ts';

const FROM = '<!-- figures: written by npm run bench -- --markdown FILE -->';
const TO = '<!-- end of figures -->';

/** The page with these figures between its marks. Throws when it has none. */
export function withFigures(page: string, machine: Machine, rows: readonly Row[]): string {
  const from = page.indexOf(FROM);
  const to = page.indexOf(TO);
  if (from < 0 || to < from) throw new Error(`The page needs the lines ${FROM} and ${TO}.`);
  const figures = `${machineSentence(machine)}\n\n${markdownTable(rows)}\n\n${verdict(rows)}`;
  return `${page.slice(0, from)}${FROM}\n\n${figures}\n\n${page.slice(to)}`;
}
