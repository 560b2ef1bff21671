import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machineSentence, thisMachine } from './machine.ts';
import { withFigures } from './markdown.ts';
import { agents } from './measures/agents.ts';
import { day } from './measures/day.ts';
import { firstToken } from './measures/first-token.ts';
import { health } from './measures/health.ts';
import { ingest } from './measures/ingest.ts';
import { journalLatency } from './measures/journal-latency.ts';
import { memory } from './measures/memory.ts';
import { pushOutbox } from './measures/push-outbox.ts';
import { restart } from './measures/restart.ts';
import { spare } from './measures/spare.ts';
import { tokenGaps } from './measures/token-gaps.ts';
import { wake } from './measures/wake.ts';
import { ownTextTable, textTable, verdict, type Row, type Table } from './report.ts';

/** Every measure by its name: it gives rows, or a table of its own. They run in this order, one after the other. */
const measures: Readonly<Record<string, () => Promise<Row[] | Table>>> = {
  first: firstToken,
  gaps: tokenGaps,
  journal: journalLatency,
  ingest,
  memory,
  wake,
  spare,
  health,
  push: pushOutbox,
  restart,
  day,
  agents,
};

const USAGE = `npm run bench -- [${Object.keys(measures).join('|')} …] [--json FILE] [--markdown FILE]
  Measures what is named, or all of it (about a quarter of an hour), and prints a table.
  --json FILE      writes the same figures as JSON
  --markdown FILE  puts them between the marks of a Markdown file such as docs/BENCHMARKS.md`;

/** A figure that misses its target is said in words; the exit code is 0 all the same, since a busy machine misses some; it is 1 where a measure failed. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, markdown: { type: 'string' }, help: { type: 'boolean' } },
  });
  const unknown = positionals.filter((name) => !(name in measures));
  if (values.help === true || unknown.length > 0) {
    console.log(unknown.length > 0 ? `There is no measure ${unknown.join(', ')}.\n${USAGE}` : USAGE);
    process.exitCode = unknown.length > 0 ? 2 : 0;
    return;
  }
  const machine = thisMachine();
  console.log(machineSentence(machine));
  const chosen = positionals.length > 0 ? positionals : Object.keys(measures);
  const rows: Row[] = [];
  const tables: Table[] = [];
  for (const name of chosen) {
    process.stderr.write(`measuring ${name} …\n`);
    try {
      const found = (await measures[name]?.()) ?? [];
      if ('heads' in found) tables.push(found);
      else rows.push(...found);
    } catch (error) {
      // The others are worth having all the same.
      console.error(`${name} could not be measured:`, error);
      process.exitCode = 1;
    }
  }
  for (const failure of tables.flatMap(({ failures }) => failures)) {
    console.error(failure);
    process.exitCode = 1;
  }
  if (rows.length > 0) console.log(`\n${textTable(rows)}\n\n${verdict(rows)}`);
  for (const table of tables) console.log(`\n${ownTextTable(table)}`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ machine, rows, tables, verdict: verdict(rows) }, null, 2)}\n`);
  if (values.markdown !== undefined)
    writeFileSync(values.markdown, withFigures(readFileSync(values.markdown, 'utf8'), machine, rows, tables));
}

await main();
process.exit();
