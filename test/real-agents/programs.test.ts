import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { missingIn, programFolders, programOf } from './programs.ts';

it.each(['codex', 'copilot', 'gemini', 'opencode'] as const)('[AG1] %s runs, at the exact version that its package names', (binary) => {
  for (const folder of programFolders) expect(missingIn(folder)).toEqual([]);
  const home = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', NO_COLOR: '1' };
  const versions = programFolders.map((folder) => readFileSync(join(folder, 'package.json'), 'utf8')).join('');
  const printed = execFileSync(programOf(binary), ['--version'], { encoding: 'utf8', env: home, timeout: 50_000 });
  expect(versions).toContain(/\d+\.\d+\.\d+/.exec(printed)?.[0] ?? 'no version');
  expect(existsSync(join(programFolders[0] ?? '', 'package-lock.json'))).toBe(true);
});
