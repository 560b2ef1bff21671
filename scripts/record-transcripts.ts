import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startModelServer } from '../cli/model/model-server.ts';
import { claudeDriver } from '../server/agents/claude/driver.ts';
import type { Driver, LaunchRequest } from '../server/agents/driver.ts';
import { echoDriver } from '../server/agents/echo/driver.ts';
import { agentSandbox } from '../test/support/sandbox.ts';
import { startAgent } from './record/agent-run.ts';
import { normaliser } from './record/normalise.ts';
import type { Scenario } from './record/scenarios.ts';
import { claudeScenarios, echoScenarios } from './record/scenarios.ts';
import type { TranscriptEntry } from './record/transcript.ts';

// node scripts/record-transcripts.ts [scenario…]: runs the real agents against the scripted model and writes what passed
// between them and their drivers to test/agents/transcripts/.
const root = join(import.meta.dirname, '..');
const claude = join(root, 'node_modules', '.bin', 'claude');
const wanted = process.argv.slice(2);

async function record<S>(driver: Driver<S>, folder: string, name: string, scenario: Scenario): Promise<void> {
  const model = await startModelServer();
  const sandbox = agentSandbox(model.url);
  const projectPath = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-project-')));
  const filesPath = join(sandbox.home, 'files');
  mkdirSync(filesPath);
  const entries: TranscriptEntry[] = [];
  const request = { agentSessionId: randomUUID(), projectPath, mode: 'ask', model: null, filesPath, command: claude } as const;
  const env = { ...sandbox.env, ...scenario.env };
  try {
    await scenario.play({ start: (resume) => startAgent(driver, { ...request, resume } satisfies LaunchRequest, env, entries) });
  } finally {
    await model.close();
    sandbox.remove();
    rmSync(projectPath, { recursive: true, force: true });
  }
  const normalise = normaliser({ [projectPath]: '/project', [sandbox.home]: '/home/user', [claude]: 'claude', [root]: '/holdfast' });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.jsonl`), entries.map((entry) => `${JSON.stringify(normalise({ ...entry }))}\n`).join(''));
  process.stdout.write(`${name}: ${entries.length} lines\n`);
}

async function recordAll<S>(driver: Driver<S>, folder: string, scenarios: Record<string, Scenario>): Promise<void> {
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (wanted.length === 0 || wanted.includes(name)) await record(driver, join(root, 'test/agents/transcripts', folder), name, scenario);
  }
}

const version = execFileSync(claude, ['--version'], { encoding: 'utf8' }).split(' ')[0] ?? 'unknown';
await recordAll(claudeDriver, `claude-${version}`, claudeScenarios);
await recordAll(echoDriver, 'echo', echoScenarios);
