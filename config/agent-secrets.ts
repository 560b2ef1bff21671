import type { AgentEntry } from './agents.ts';

/** The variables that a process of this agent gets with a secret of its own; `newSecret` gives one that nobody can guess. */
export function agentSecrets(entry: Pick<AgentEntry, 'secretEnv'>, newSecret: () => string): Record<string, string> {
  return Object.fromEntries((entry.secretEnv ?? []).map((name) => [name, newSecret()]));
}
