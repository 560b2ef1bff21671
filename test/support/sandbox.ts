import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claudeEnv, prepareClaudeHome } from '../../cli/model/claude-env.ts';

/** A home folder of its own for an agent, and the environment that points it at the scripted model. */
export interface AgentSandbox {
  home: string;
  env: Record<string, string>;
  remove(): void;
}

/** Makes a temporary home in which the real Claude CLI runs offline and asks nothing. Call `remove` after the agent's exit. */
export function agentSandbox(modelUrl: string): AgentSandbox {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-home-'));
  prepareClaudeHome(home);
  return {
    home,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...claudeEnv(modelUrl, home) },
    // The CLI may write its last files in the moment of its exit.
    remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}
