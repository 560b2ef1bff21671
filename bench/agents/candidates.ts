import { existsSync } from 'node:fs';
import { agentEntry } from '../../config/agents.ts';
import { claude, codex, copilot, gemini, opencode, type RealAgent } from '../../test/real-agents/agents.ts';
import { appServer } from './app-server.ts';
import { clientProtocol } from './client-protocol.ts';
import type { Protocol } from './protocol.ts';
import { streamJson } from './stream-json.ts';

/** A real agent to measure, and how a client speaks to it without us. */
export interface Candidate {
  real: RealAgent;
  protocol: Protocol;
}

export const candidates: readonly Candidate[] = [
  { real: claude, protocol: streamJson },
  { real: codex, protocol: appServer },
  { real: copilot, protocol: clientProtocol('--acp') },
  { real: opencode, protocol: clientProtocol('acp') },
  { real: gemini, protocol: clientProtocol('--acp') },
];

/** The path of its program among the settings of `prepare`; null where it is not installed. */
export function programIn({ agent }: RealAgent, settings: Record<string, string>): string | null {
  const command = settings[`${agent.toUpperCase()}_COMMAND`];
  return command !== undefined && existsSync(command) ? command : null;
}

/** What the server always gives this agent: without it, another program would be measured on bare pipes. */
export function fixedEnv({ agent }: RealAgent): Record<string, string> {
  return { ...(agentEntry(agent)?.acp?.env ?? {}) };
}
