import { machineSentence, type Machine } from './machine.ts';
import { markdownTable, ownMarkdownTable, verdict, type Row, type Table } from './report.ts';

const FROM = '<!-- figures: written by npm run bench -- --markdown FILE -->';
const TO = '<!-- end of figures -->';

/** The page with these figures between its marks, and each table between those of its name. What was not measured stays as it is. Throws when it lacks the marks. */
export function withFigures(page: string, machine: Machine, rows: readonly Row[], tables: readonly Table[]): string {
  const sentence = machineSentence(machine);
  const figures = rows.length === 0 ? page : between(page, FROM, TO, `${sentence}\n\n${markdownTable(rows)}\n\n${verdict(rows)}`);
  return tables.reduce((result, table) => {
    const from = `<!-- table of ${table.name}: written by npm run bench -- ${table.name} --markdown FILE -->`;
    return between(result, from, `<!-- end of ${table.name} -->`, `${sentence}\n\n${ownMarkdownTable(table)}`);
  }, figures);
}

function between(page: string, from: string, to: string, text: string): string {
  const start = page.indexOf(from);
  const end = page.indexOf(to, Math.max(start, 0));
  if (start < 0 || end < 0) throw new Error(`The page needs the lines ${from} and ${to}.`);
  return `${page.slice(0, start)}${from}\n\n${text}\n\n${page.slice(end)}`;
}
