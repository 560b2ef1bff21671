import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AgentEntry } from '../../config/agents.ts';
import { agentEntry } from '../../config/agents.ts';
import { readEnvironment } from '../../config/environment.ts';
import { findCommand, packageRoot } from '../../config/find-command.ts';
import { refusal } from '../contracts/refusal.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const claude = agentEntry('claude') as AgentEntry;

function program(name: string, mode = 0o755): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, mode);
  return file;
}

describe('an agent is found', () => {
  const first = program('first/claude');
  const other = program('other/claude-next');
  program('plain/claude', 0o644);

  it('[CMD1] where its setting says, and nowhere else', () => {
    expect(findCommand(claude, { claudeCommand: other }, { PATH: path.dirname(first) })).toBe(other);
    expect(findCommand(claude, { claudeCommand: path.join(folder, 'missing') }, { PATH: path.dirname(first) })).toBeNull();
    expect(findCommand(claude, { claudeCommand: 'claude-next' }, { PATH: path.dirname(other) })).toBe(other);
  });

  it("[CMD2] else in PATH: the user's own before the one beside Holdfast", () => {
    const ours = path.join(packageRoot, 'node_modules/.bin');
    expect(findCommand(claude, {}, { PATH: [ours, path.join(folder, 'plain'), path.dirname(first)].join(':') })).toBe(first);
  });

  it('[CMD3] else beside Holdfast, else not at all', () => {
    expect(findCommand(claude, {}, { PATH: '/nowhere' })).toBe(path.join(packageRoot, 'node_modules/.bin/claude'));
    expect(findCommand({ ...claude, binary: 'no-such-agent' }, {}, { PATH: '.::first' })).toBeNull();
  });

  it('[CMD4] echo is part of Holdfast and runs on its Node', () => {
    expect(findCommand(agentEntry('echo') as AgentEntry, {}, {})).toBe(process.execPath);
  });
});

describe('.env', () => {
  it('[SET7] lies under the environment, and need not be there', () => {
    expect(readEnvironment({ A: '1' }, folder)).toEqual({ A: '1' });
    writeFileSync(path.join(folder, '.env'), 'A=2\nB="x y"\n# C=3\n');
    expect(readEnvironment({ A: '1' }, folder)).toEqual({ A: '1', B: 'x y' });
  });

  it("[SET7] one that can't be read stops the start", () => {
    const here = path.join(folder, 'odd');
    mkdirSync(path.join(here, '.env'), { recursive: true });
    expect(refusal(() => readEnvironment({}, here)).message).toContain('.env');
  });
});
