import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Linter } from 'eslint';
import { describe, expect, it } from 'vitest';
import { forbidden, importsRule } from '../../scripts/house/imports-rule.ts';
import { layers } from '../../scripts/house/layers.ts';

const top = path.resolve(fileURLToPath(import.meta.url), '../../..');

function lint(file: string, code: string): string[] {
  const linter = new Linter({ cwd: top });
  const config: Linter.Config = {
    files: ['**/*.ts'],
    plugins: { holdfast: { rules: { imports: importsRule } } },
    rules: { 'holdfast/imports': 'error' },
  };
  return linter.verify(code, [config], { filename: path.join(top, file) }).map(({ message }) => message);
}

describe('imports between layers', () => {
  it('[HOUSE1] the linter reports an import against the direction of the layers', () => {
    expect(lint('server/process/x.ts', "import { a } from '../agents/driver.ts';")).toEqual([
      'process may not import agents: see scripts/house/layers.ts.',
    ]);
    expect(lint('server/agents/claude/x.ts', "export { a } from '../../sessions/pool.ts';")).toHaveLength(1);
    expect(lint('server/http/routes/x.ts', "const a = await import('../../process/launcher.ts');")).toHaveLength(1);
  });

  it('[HOUSE1] an import along the direction, or within a layer, is fine', () => {
    expect(lint('server/sessions/x.ts', "import { a } from '../agents/driver.ts'; import { b } from './pool.ts';")).toEqual([]);
    expect(lint('server/agents/claude/x.ts', "import { a } from '../driver.ts'; import fs from 'node:fs';")).toEqual([]);
  });

  it('[HOUSE1] a new folder of the server must have a place in the table', () => {
    expect(lint('server/utils/x.ts', "import fs from 'node:fs';")).toEqual([expect.stringContaining('lies in no layer')]);
    expect(lint('server/server.ts', "import { a } from './http/app.ts';")).toEqual([]);
    expect(lint('server/sessions/x.ts', "import { a } from '../server.ts';")).toHaveLength(1);
  });

  it('[HOUSE2] a package with a home in one layer is used only there', () => {
    expect(forbidden('server/sessions/x.ts', 'better-sqlite3')).toMatch(/only in storage/);
    expect(forbidden('server/storage/x.ts', 'better-sqlite3')).toBeUndefined();
    expect(forbidden('test/x.ts', 'better-sqlite3')).toBeUndefined();
  });

  it('[HOUSE3] the table has no circle and names only layers that exist', () => {
    const seen = new Set<string>();
    const visit = (name: string, way: string[]): void => {
      expect(way, 'a circle').not.toContain(name);
      if (seen.has(name) || name === 'root') return;
      for (const next of layers[name]?.may ?? []) visit(next, [...way, name]);
      seen.add(name);
    };
    for (const name of Object.keys(layers)) {
      for (const next of layers[name]?.may ?? []) expect(Object.keys(layers)).toContain(next);
      if (!['cli', 'scripts', 'bench', 'test'].includes(name)) visit(name, []);
    }
  });
});
