import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startModelServer } from '../cli/model/model-server.ts';
import { acpEnv, prepareAcpHome, type AcpAgent } from '../cli/model/acp-env.ts';
import { codexEnv, prepareCodexHome } from '../cli/model/codex-env.ts';
import { agentEntry, type AgentEntry } from '../config/agents.ts';
import { findCommand } from '../config/find-command.ts';
import { nativeProgram } from '../config/native-program.ts';
import { driverOf } from '../server/agents/catalogue.ts';
import { claudeDriver } from '../server/agents/claude/driver.ts';
import { codexDriver } from '../server/agents/codex/driver.ts';
import type { Driver, LaunchRequest } from '../server/agents/driver.ts';
import { echoDriver } from '../server/agents/echo/driver.ts';
import { terminalDriver } from '../server/agents/terminal/driver.ts';
import { programOf } from '../test/real-agents/programs.ts';
import { agentSandbox, type AgentSandbox } from '../test/support/sandbox.ts';
import { startAgent } from './record/agent-run.ts';
import { normaliser } from './record/normalise.ts';
import type { Scenario } from './record/scenarios.ts';
import { acpScenarios, claudeScenarios, codexScenarios, echoScenarios, terminalScenarios } from './record/scenarios.ts';
import type { TranscriptEntry } from './record/transcript.ts';

// node scripts/record-transcripts.ts [scenario or agent…]: runs the real agents against the scripted model and writes what passed
// between them and their drivers to test/agents/transcripts/.
const root = join(import.meta.dirname, '..');
const claude = join(root, 'node_modules', '.bin', 'claude');
const wanted = process.argv.slice(2);

/** Where an agent lives while it is recorded. */
interface Place {
  command: string;
  sandbox(modelUrl: string): AgentSandbox;
}

const atClaude: Place = { command: claude, sandbox: agentSandbox };

function at(agent: AcpAgent): Place {
  const sandbox = (modelUrl: string): AgentSandbox => {
    const home = mkdtempSync(join(tmpdir(), 'holdfast-home-'));
    prepareAcpHome(agent, modelUrl, home);
    const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', OPENCODE_SERVER_PASSWORD: 'recording', ...acpEnv(agent, modelUrl, home) };
    return { home, env, remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }) };
  };
  return { command: programOf(agent), sandbox };
}

/** Codex warns of a home under the temporary folder. */
const atCodex: Place = {
  command: nativeCommand('codex'),
  sandbox: (modelUrl) => {
    const cache = join(homedir(), '.cache');
    mkdirSync(cache, { recursive: true });
    const home = mkdtempSync(join(cache, 'holdfast-home-'));
    prepareCodexHome(home, modelUrl);
    const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', ...codexEnv(home) };
    return { home, env, remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }) };
  },
};

const atTmux: Place = {
  command: findCommand(agentEntry('terminal') as AgentEntry, {}, process.env) ?? '/usr/bin/tmux',
  sandbox: () => {
    const home = mkdtempSync(join(tmpdir(), 'holdfast-home-'));
    const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: home, SHELL: '/bin/sh', LANG: 'C.UTF-8' };
    return { home, env, remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }) };
  },
};

function nativeCommand(agent: 'codex'): string {
  return nativeProgram(programOf(agent), agentEntry(agent)?.native ?? []);
}

async function record<S>(driver: Driver<S>, place: Place, folder: string, name: string, scenario: Scenario): Promise<void> {
  const model = await startModelServer();
  const sandbox = place.sandbox(model.url);
  const projectPath = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-project-')));
  const filesPath = join(sandbox.home, 'files');
  const temporaryPath = join(sandbox.home, 'tmp');
  mkdirSync(filesPath);
  mkdirSync(temporaryPath);
  const entries: TranscriptEntry[] = [];
  const { command } = place;
  const terminal = { folder: sandbox.home, name: 'recorded', command: 'exec cat', cols: 80, rows: 24 };
  const request = {
    ...({ agentSessionId: randomUUID(), projectPath, mode: 'ask', model: null, filesPath, temporaryPath, command } as const),
    ...(driver.terminal ? { terminal } : {}),
  };
  const env = { ...sandbox.env, ...scenario.env };
  try {
    await scenario.play({
      start: (resume, agentSessionId = request.agentSessionId, forkOf) => {
        const known = { ...request, agentSessionId, resume, ...(forkOf === undefined ? {} : { forkOf }) };
        return startAgent(driver, known satisfies LaunchRequest, env, entries);
      },
    });
  } finally {
    await model.close();
    sandbox.remove();
    rmSync(projectPath, { recursive: true, force: true });
  }
  const normalise = normaliser({ [projectPath]: '/project', [sandbox.home]: '/home/user', [command]: driver.agent, [root]: '/holdfast' });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.jsonl`), entries.map((entry) => `${JSON.stringify(normalise({ ...entry }))}\n`).join(''));
  process.stdout.write(`${driver.agent} ${name}: ${entries.length} lines\n`);
}

async function recordAll<S>(driver: Driver<S>, place: Place, folder: string, scenarios: Record<string, Scenario>): Promise<void> {
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (wanted.length > 0 && !wanted.includes(name) && !wanted.includes(driver.agent)) continue;
    await record(driver, place, join(root, 'test/agents/transcripts', folder), name, scenario);
  }
}

function versionOf(command: string, option = '--version'): string {
  return /\d+\.\d+(\.\d+)?[a-z]?/.exec(execFileSync(command, [option], { encoding: 'utf8' }))?.[0] ?? 'unknown';
}

await recordAll(claudeDriver, atClaude, `claude-${versionOf(claude)}`, claudeScenarios);
await recordAll(echoDriver, atClaude, 'echo', echoScenarios);
if (existsSync(atTmux.command)) await recordAll(terminalDriver, atTmux, `terminal-${versionOf(atTmux.command, '-V')}`, terminalScenarios);
if (existsSync(atCodex.command)) await recordAll(codexDriver, atCodex, `codex-${versionOf(atCodex.command)}`, codexScenarios);
for (const agent of ['copilot', 'opencode', 'gemini'] as const) {
  const entry = agentEntry(agent);
  const driver = entry && driverOf(entry);
  if (driver && existsSync(programOf(agent))) await recordAll(driver, at(agent), `${agent}-${versionOf(programOf(agent))}`, acpScenarios);
}
