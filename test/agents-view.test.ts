import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { agentEntry, type AgentEntry } from '../config/agents.ts';
import { AgentVersions, isOlder } from '../server/agent-versions.ts';
import { hintFor } from '../server/agents-view.ts';
import { echoDriver } from '../server/agents/echo/driver.ts';
import type { Driver } from '../server/agents/driver.ts';
import { memoryByAgent } from '../server/sessions/pool/agent-memory.ts';

const machine = { platform: process.platform, arch: process.arch, env: { PATH: process.env['PATH'] ?? '' } };
const codex = agentEntry('codex') as AgentEntry;
const found = { command: '/bin/sh', version: '99.0.0', signedIn: 'yes' } as const;

describe('what to do about an agent', () => {
  it('[AV4] says how to get it, how to sign in, or that it is older than what was tried', () => {
    expect(hintFor(codex, found, machine)).toBeNull();
    expect(hintFor(codex, { ...found, signedIn: 'unknown' }, machine)).toBeNull();
    expect(hintFor(codex, { ...found, command: null }, machine)).toBe(
      'No program of codex was found. Install it with `npm install -g @openai/codex`. Where it lies elsewhere than in PATH, name it in CODEX_COMMAND.',
    );
    expect(hintFor(codex, { ...found, signedIn: 'no' }, machine)).toMatch(/^It is not signed in\. Run `codex login`/);
    expect(hintFor(codex, { ...found, version: '0.9.3' }, machine)).toMatch(
      /^Version 0\.9\.3 is older than 0\.169\.0, the oldest that was tried/,
    );
  });

  it('[AV4] versions are compared by number', () => {
    const pairs = ['0.9.0 0.10.0', '1.2.3 1.2.4', '1.9.9 2.0.0-beta', '3.1a 3.2'].map((pair) => pair.split(' ') as [string, string]);
    for (const [older, newer] of pairs)
      expect([isOlder(older, newer), isOlder(newer, older), isOlder(newer, newer)]).toEqual([true, false, false]);
  });

  it('[AV4] a program that was replaced is asked for its version again, and one that has none is left alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-version-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'codex');
    const put = (version: string, changedAt: number): void => {
      writeFileSync(file, `#!/bin/sh\necho "codex-cli ${version}"\n`);
      chmodSync(file, 0o700);
      utimesSync(file, changedAt, changedAt);
    };
    put('1.0.0', 1_000);
    const driver = echoDriver as Driver;
    const agent = (command: string) => ({ driver, command: () => command, environment: () => machine.env });
    const versions = new AgentVersions();
    const installed = new Map([
      ['codex', agent(file)],
      ['claude', agent('/bin/false')],
    ]);
    await versions.learn(installed);
    expect([versions.of('codex'), versions.of('claude')]).toEqual(['1.0.0', undefined]);
    put('1.1.0', 2_000);
    await versions.learn(installed);
    expect(versions.of('codex')).toBe('1.1.0');
    put('1.2.0-beta.1 (a build). It is well.', 3_000);
    await versions.learn(installed);
    expect(versions.of('codex')).toBe('1.2.0-beta.1');
    put('1.2.0.', 4_000);
    await versions.learn(installed);
    expect(versions.of('codex'), 'at the end of a sentence').toBe('1.2.0');
  });
});

describe('asking programs for their versions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-version-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'a codex');
  const put = (text: string): void => {
    rmSync(file, { force: true });
    writeFileSync(file, text);
    chmodSync(file, 0o700);
    utimesSync(file, 1_000, 1_000);
  };
  const installed = new Map([['codex', { driver: echoDriver, command: () => file, environment: () => machine.env }]]);

  it('[AV4] a program that was replaced is noticed also where all its versions have the same time', async () => {
    const versions = new AgentVersions();
    put('#!/bin/sh\necho 1.0.0\n');
    await versions.learn(installed);
    put('#!/bin/sh\necho 1.0.1\n');
    await versions.learn(installed);
    expect(versions.of('codex')).toBe('1.0.1');
  });

  it('[AV4] one that cannot be started at this moment is no error, and is asked again', async () => {
    const versions = new AgentVersions();
    put('#!/bin/sh\necho 1.2.3\n');
    // Linux starts no program that somebody is writing.
    const writing = openSync(file, 'r+');
    await versions.learn(installed);
    closeSync(writing);
    await versions.learn(installed);
    expect(versions.of('codex')).toBe('1.2.3');
  });

  it.each([
    ['prints without end', 'while :; do echo 0123456789; done'],
    ['says nothing and does not mind being asked to end', "trap '' TERM; while :; do sleep 0.1; done"],
  ])('[AV4] one that %s is killed, and holds up nobody from then on', async (_, script) => {
    put(`#!/bin/sh\n${script}\n`);
    const versions = new AgentVersions(200);
    const learns = async (): Promise<number> => {
      const since = performance.now();
      await versions.learn(installed);
      return performance.now() - since;
    };
    await learns();
    expect(await learns()).toBeLessThan(1_000);
    expect(versions.of('codex')).toBeUndefined();
  });
});

describe('the memory of agents', () => {
  it('[AV5] is that of their live processes, as measured', () => {
    const live = [1, 2, 3, 4].map((number) => ({ id: `s${number}`, agent: number === 4 ? 'codex' : 'claude' }));
    const measured = new Map([10, 30, 200, 7].map((memoryMb, index) => [`s${index + 1}`, { memoryMb }]));
    expect(memoryByAgent(live, measured)).toEqual(
      new Map([
        ['claude', { processes: 3, medianMb: 30, largestMb: 200 }],
        ['codex', { processes: 1, medianMb: 7, largestMb: 7 }],
      ]),
    );
    expect(memoryByAgent(live.slice(0, 2), measured).get('claude')).toEqual({ processes: 2, medianMb: 20, largestMb: 30 });
    expect(memoryByAgent(live, new Map())).toEqual(new Map());
  });
});
