import { agents, type AgentEntry } from '../config/agents.ts';
import { signedIn, type SignedIn } from '../config/sign-in.ts';
import { isOlder, type AgentVersions } from './agent-versions.ts';
import type { Capabilities, Driver } from './agents/driver.ts';
import type { AgentsView, HealthView } from './contracts/server-views.ts';
import type { Usage } from './contracts/events.ts';
import { cannotRun } from './process/runs-here.ts';
import type { Agent } from './sessions/context.ts';
import type { AgentMemory } from './sessions/pool/agent-memory.ts';

export interface AgentsParts {
  installed: ReadonlyMap<string, Agent>;
  versions: Pick<AgentVersions, 'of'>;
  defaultAgent: string;
  /** The newest state of its driver that is kept, of a process that has said what it can do. */
  lastState: (agent: string) => { driver_state: string; state_version: number } | undefined;
  /** As measured, by agent. */
  memory: ReadonlyMap<string, AgentMemory>;
  /** What the conversations of the user who asks have used, by agent. */
  totals: ReadonlyMap<string, { sessions: number; usage: Usage; costUsd: number | null }>;
}

type AgentView = AgentsView['agents'][number];
type Machine = Parameters<typeof cannotRun>[1];

const noUsage: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** The agents of this machine as clients see them. */
export function agentsView(parts: AgentsParts): AgentsView {
  return {
    agents: agents.flatMap((entry) => {
      const agent = parts.installed.get(entry.agent);
      return agent ? [agentView(entry, agent, parts)] : [];
    }),
  };
}

/** The same in short, for whoever has no token. */
export function agentsHealth(installed: AgentsParts['installed'], versions: AgentsParts['versions']): HealthView['agents'] {
  return agents.flatMap(({ agent: name }) => {
    const agent = installed.get(name);
    return agent ? [{ agent: name, installed: agent.command() !== null, ...versionOf(name, versions) }] : [];
  });
}

function agentView(entry: AgentEntry, agent: Agent, { versions, defaultAgent, lastState, memory, totals }: AgentsParts): AgentView {
  const command = agent.command();
  const env = agent.environment();
  const found = { command, version: versions.of(entry.agent), signedIn: signInOf(entry, env) };
  const hint = hintFor(entry, found, { platform: process.platform, arch: process.arch, env });
  return {
    agent: entry.agent,
    installed: command !== null,
    ...versionOf(entry.agent, versions),
    command,
    isDefault: entry.agent === defaultAgent,
    signedIn: found.signedIn,
    capabilities: { ...capabilitiesOf(offered(agent.driver, lastState(entry.agent))), terminal: agent.driver.terminal !== undefined },
    memory: memory.get(entry.agent) ?? null,
    totals: totals.get(entry.agent) ?? { sessions: 0, usage: noUsage, costUsd: null },
    ...(hint === null ? {} : { hint }),
  };
}

function versionOf(agent: string, versions: AgentsParts['versions']): { version?: string } {
  const version = versions.of(agent);
  return version === undefined ? {} : { version };
}

function signInOf(entry: AgentEntry, env: Readonly<Record<string, string>>): SignedIn {
  if (entry.signIn === undefined) return 'unknown';
  return entry.signIn === 'not-needed' ? 'yes' : signedIn(entry.signIn, env);
}

/** What an agent can do, as far as it has not said at its last start that it can't. */
function offered(driver: Driver, last: ReturnType<AgentsParts['lastState']>): Capabilities {
  if (!driver.offers || last?.state_version !== driver.stateVersion) return driver.capabilities;
  const { images, resume } = driver.offers(JSON.parse(last.driver_state)) ?? driver.capabilities;
  return { ...driver.capabilities, images: driver.capabilities.images && images, resume: driver.capabilities.resume && resume };
}

function capabilitiesOf({
  images,
  resume,
  cancel,
  approvals,
  fork,
  modes,
  models,
  efforts,
}: Capabilities): Omit<AgentView['capabilities'], 'terminal'> {
  const lists = { modes: [...(modes ?? [])], models: models === true, effort: [...(efforts ?? [])] };
  return { images, resume, cancel, approvals, fork: fork === true, ...lists };
}

/** What to do before this agent can be used, in sentences; null where nothing is known to be missing. */
export function hintFor(
  entry: Pick<AgentEntry, 'agent' | 'command' | 'install' | 'triedSince' | 'signIn'>,
  found: { command: string | null; version: string | undefined; signedIn: SignedIn },
  machine: Machine,
): string | null {
  const { agent, install, triedSince } = entry;
  const get = install === null ? '' : install.startsWith('npm ') ? ` Install it with \`${install}\`.` : ` To get it: ${install}.`;
  if (found.command === null) return `No program of ${agent} was found.${get}${settingOf(entry)}`.trim();
  const why = cannotRun(found.command, machine);
  if (why !== null) return `${found.command} cannot run on this machine: it ${why}.${get}`;
  const hints: string[] = [];
  if (triedSince !== undefined && found.version !== undefined && isOlder(found.version, triedSince))
    hints.push(`Version ${found.version} is older than ${triedSince}, the oldest that was tried; update it if it does not work.${get}`);
  if (found.signedIn === 'no' && typeof entry.signIn === 'object') hints.push(`It is not signed in. ${entry.signIn.how}`);
  return hints.length === 0 ? null : hints.join(' ');
}

function settingOf({ command }: Pick<AgentEntry, 'command'>): string {
  if (command === null) return '';
  return ` Where it lies elsewhere than in PATH, name it in ${command.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}.`;
}
