import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/find-command.ts';

/** Rules that may stand without a test, so that the mark does not become a habit. */
const MOST_UNTESTED = 5;

interface Rule {
  id: string;
  sentence: string;
  untested: boolean;
}

/** The rules of a page in the form of docs/SPEC.md. */
function rulesIn(page: string): Rule[] {
  return [...page.matchAll(/^- \*\*([A-Z]+\d+)\*\* (.+)$/gm)].map(([, id = '', sentence = '']) => ({
    id,
    sentence,
    untested: sentence.endsWith('(untested)'),
  }));
}

/** Ids in brackets at the beginning of a string: that is how test titles cite rules. */
function citedIn(code: string): string[] {
  return [...code.matchAll(/['"`]\[([A-Z]+\d+)\] /g)].map(([, id = '']) => id);
}

/** What is wrong between rules and citations, a sentence each. */
function complaints(rules: readonly Rule[], cited: ReadonlyMap<string, string>): string[] {
  const known = new Map(rules.map((rule) => [rule.id, rule]));
  return [
    ...rules.filter((rule) => known.get(rule.id) !== rule).map(({ id }) => `${id} stands twice in docs/SPEC.md.`),
    ...[...cited].filter(([id]) => !known.has(id)).map(([id, file]) => `${file} cites ${id}, which docs/SPEC.md does not have.`),
    ...rules
      .filter(({ id, untested }) => !cited.has(id) && !untested)
      .map(({ id }) => `No test cites ${id}: write one, or mark it (untested).`),
    ...rules
      .filter(({ id, untested }) => cited.has(id) && untested)
      .map(({ id }) => `${id} is marked (untested), but ${cited.get(id)} cites it.`),
  ];
}

describe('docs/SPEC.md', () => {
  const rules = rulesIn(readFileSync(path.join(packageRoot, 'docs/SPEC.md'), 'utf8'));
  const cited = new Map(
    globSync(['test/**/*.test.ts', 'test/real-agents/{matrix,failing-model}.ts'], {
      cwd: packageRoot,
      exclude: ['**/node_modules/**'],
    }).flatMap((file) => citedIn(readFileSync(path.join(packageRoot, file), 'utf8')).map((id) => [id, file] as const)),
  );

  it('[HOUSE6] has every rule that a test cites, once, and every rule is cited or marked', () => {
    expect(complaints(rules, cited)).toEqual([]);
  });

  it('[HOUSE6] leaves few rules without a test', () => {
    const untested = rules.filter((rule) => rule.untested).map(({ id, sentence }) => `${id} ${sentence}`);
    if (untested.length > 0) console.log(`Rules without a test:\n${untested.join('\n')}`);
    expect(untested.length).toBeLessThanOrEqual(MOST_UNTESTED);
  });

  it('[HOUSE6] the check notices an unknown, a missing, a doubled and a wrongly marked rule', () => {
    const page = '- **A1** One.\n- **A2** Two.\n- **A2** Again.\n- **A3** Three. (untested)\n- **A4** Four. (untested)\n';
    const code = ['A1', 'A9', 'A3'].map((id) => `it('[${id}] something', …);`).join('\n');
    const titles = new Map(citedIn(code).map((id) => [id, 'x.test.ts']));
    expect(complaints(rulesIn(page), titles)).toEqual([
      'A2 stands twice in docs/SPEC.md.',
      'x.test.ts cites A9, which docs/SPEC.md does not have.',
      'No test cites A2: write one, or mark it (untested).',
      'No test cites A2: write one, or mark it (untested).',
      'A3 is marked (untested), but x.test.ts cites it.',
    ]);
  });
});
