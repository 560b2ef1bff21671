import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../config/find-command.ts';
import { packageVersion } from '../config/package-version.ts';
import { openApiDocument } from '../server/contracts/openapi.ts';
import { exampleEnv } from './docs/example-env.ts';
import { refresh } from './docs/markers.ts';
import { generatedTables } from './docs/tables.ts';

// Writes what is made from the contracts and the settings; with --check it only says what is out of date.

function read(file: string): string | undefined {
  const whole = path.join(packageRoot, file);
  return existsSync(whole) ? readFileSync(whole, 'utf8') : undefined;
}

function generated(): Map<string, string> {
  const files = new Map([
    ['ios-client-contracts/openapi.json', `${JSON.stringify(openApiDocument(packageVersion), null, 2)}\n`],
    ['config/example.env', exampleEnv()],
  ]);
  for (const page of ['API.md', 'README.md']) {
    const text = read(page);
    if (text !== undefined) files.set(page, refresh(text, generatedTables));
  }
  return files;
}

/** The first line that differs, for whoever has to find out why. */
function hint(old: string, fresh: string): string {
  const before = old.split('\n');
  const after = fresh.split('\n');
  const at = after.findIndex((line, index) => line !== before[index]);
  const line = at === -1 ? after.length : at;
  return `  line ${line + 1}\n  - ${before[line] ?? '(end)'}\n  + ${after[line] ?? '(end)'}`;
}

const stale = [...generated()].filter(([file, fresh]) => read(file) !== fresh);
if (process.argv.includes('--check')) {
  for (const [file, fresh] of stale) console.error(`${file} is out of date: run \`npm run generate\`.\n${hint(read(file) ?? '', fresh)}`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [file, fresh] of stale) {
    const whole = path.join(packageRoot, file);
    mkdirSync(path.dirname(whole), { recursive: true });
    writeFileSync(whole, fresh);
    console.log(`wrote ${file}`);
  }
}
