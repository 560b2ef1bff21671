import { execFile } from 'node:child_process';
import { agents } from '../config/agents.ts';
import type { Settings } from '../config/settings.ts';
import type { AgentsView } from './contracts/server-views.ts';
import type { Agent } from './sessions/context.ts';

/** Asks each installed agent for its version, once and in the background. */
export class AgentVersions {
  readonly #known = new Map<string, string>();

  /** Remembers what `--version` prints, of agents with a program of their own. */
  learn(installed: ReadonlyMap<string, Agent>): void {
    for (const entry of agents) {
      const command = entry.binary === null ? null : installed.get(entry.agent)?.command();
      if (command === null || command === undefined) continue;
      execFile(
        command,
        entry.versionArgs ?? ['--version'],
        { timeout: 20_000, env: installed.get(entry.agent)?.environment() },
        (error, stdout) => {
          const version = /\d+(?:\.\d+)+\S*/.exec(stdout)?.[0];
          if (!error && version !== undefined) this.#known.set(entry.agent, version);
        },
      ).unref();
    }
  }

  of(agent: string): string | undefined {
    return this.#known.get(agent);
  }
}

/** The agents of this machine as clients see them. */
export function agentsView(installed: ReadonlyMap<string, Agent>, versions: AgentVersions, settings: Settings): AgentsView {
  return {
    agents: agents.flatMap((entry) => {
      const agent = installed.get(entry.agent);
      if (!agent) return [];
      const command = agent.command();
      const version = versions.of(entry.agent);
      const { images, resume, cancel, approvals } = agent.driver.capabilities;
      return {
        agent: entry.agent,
        installed: command !== null,
        ...(version === undefined ? {} : { version }),
        command,
        isDefault: entry.agent === settings.defaultAgent,
        capabilities: { images, resume, cancel, approvals, terminal: agent.driver.terminal !== undefined },
        ...(command === null && entry.install !== null ? { hint: entry.install } : {}),
      };
    }),
  };
}
