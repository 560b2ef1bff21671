import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentEntry } from '../config/agents.ts';
import { findCommand, packageRoot } from '../config/find-command.ts';
import { Holdfast } from '../test/support/holdfast.ts';
import { agentSandbox } from '../test/support/sandbox.ts';
import type { Cleanup } from './cleanup.ts';

/** What measures with the real Claude CLI run on. */
export interface ClaudeStage {
  holdfast: Holdfast;
  /** The CLI, the environment in which it talks to the scripted model, and its project folder. */
  command: string;
  env: Record<string, string>;
  project: string;
}

/** How `npm start` runs the server: the program, and its variables and flags as an environment. */
export function serverStart(): { program: string; env: Record<string, string> } {
  const { scripts } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const words = scripts.start.replaceAll('$PWD', packageRoot).split(' ');
  const node = words.indexOf('node');
  const variables = words
    .slice(0, node)
    .map((word): [string, string] => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
  const flags = words.slice(node + 1, -1).join(' ');
  return { program: join(packageRoot, words.at(-1) ?? ''), env: { ...Object.fromEntries(variables), NODE_OPTIONS: flags } };
}

/** A server in a process of its own, as `npm start` runs it. */
export async function startServer(cleanup: Cleanup, env: Record<string, string>): Promise<Holdfast> {
  const start = serverStart();
  const holdfast = await Holdfast.start({ program: start.program, env: { ...start.env, ...env } });
  cleanup.add(() => holdfast.dispose());
  return holdfast;
}

/** The scripted model and the server, each in a process of its own, with further settings. Throws when the CLI is not installed. */
export async function claudeStage(cleanup: Cleanup, settings: Record<string, string> = {}): Promise<ClaudeStage> {
  const entry = agentEntry('claude');
  const command = entry ? findCommand(entry, {}, process.env) : null;
  if (command === null) throw new Error('The Claude CLI is not installed: run npm ci.');
  const sandbox = agentSandbox(await startModel(cleanup));
  cleanup.add(() => sandbox.remove());
  const holdfast = await startServer(cleanup, { ...sandbox.env, DEFAULT_AGENT: 'claude', CLAUDE_COMMAND: command, ...settings });
  return { holdfast, command, env: sandbox.env, project: holdfast.project };
}

/** Starts the scripted model; resolves to its URL. */
export async function startModel(cleanup: Cleanup): Promise<string> {
  const child = spawn(process.execPath, [join(packageRoot, 'cli/model/main.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanup.add(() => void child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The scripted model ended with ${code}.`)));
    child.stdout.once('data', (bytes: Buffer) => resolve((JSON.parse(bytes.toString()) as { url: string }).url));
  });
}
