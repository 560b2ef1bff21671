import { execFile } from 'node:child_process';
import { agentEntry } from '../../config/agents.ts';
import { findCommand } from '../../config/find-command.ts';
import { loadSettings } from '../../config/settings.ts';

/** Who answers in the demo. */
export type DemoAgent = { agent: 'claude'; command: string; version: string } | { agent: 'echo'; because: string };

const VERSION_MS = 20_000;

/** The real Claude CLI where it is installed and runs, else `echo` with the reason. */
export async function chooseAgent(env: NodeJS.ProcessEnv): Promise<DemoAgent> {
  const entry = agentEntry('claude');
  const command = entry ? findCommand(entry, loadSettings({ CLAUDE_COMMAND: env['CLAUDE_COMMAND'], HOME: env['HOME'] }), env) : null;
  if (command === null) return { agent: 'echo', because: `The Claude CLI is not installed (${entry?.install ?? 'see README.md'}).` };
  return new Promise((resolve) => {
    execFile(command, ['--version'], { timeout: VERSION_MS, env: { PATH: env['PATH'], HOME: env['HOME'] } }, (error, stdout) => {
      const version = /\d+\.\d+\.\d+\S*/.exec(stdout)?.[0];
      if (error || version === undefined) resolve({ agent: 'echo', because: `The Claude CLI at ${command} does not run.` });
      else resolve({ agent: 'claude', command, version });
    });
  });
}
