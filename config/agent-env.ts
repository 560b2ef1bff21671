import path from 'node:path';
import type { AgentEntry } from './agents.ts';
import { ownBinFolders } from './find-command.ts';
import type { SettingValues } from './settings.ts';
import { settingNames } from './settings-table.ts';

/** What any program of this user may need; never a secret. */
const COMMON = [
  ...[
    'HOME',
    'PATH',
    'LANG',
    'LANGUAGE',
    'LC_*',
    'TERM',
    'COLORTERM',
    'USER',
    'LOGNAME',
    'SHELL',
    'TMPDIR',
    'TZ',
    'XDG_*',
    'SSH_AUTH_SOCK',
  ],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS'],
];
/** Marks of an outer agent, left when the server itself was started by one: with them an agent thinks that it runs nested. */
const OUTER_AGENT = ['CLAUDECODE', 'CLAUDE_CODE_ENTRYPOINT', 'CLAUDE_CODE_SSE_PORT', 'CLAUDE_CODE_SESSION_ID'];
const NEVER = new Set<string>([...settingNames, ...OUTER_AGENT]);
const NEVER_PREFIXES = ['APNS_', 'TLS_', 'HOLDFAST_', 'npm_'];

/** Whether a name, or whatever begins like it, is the server's own business, so that no list of names can hand it on. */
export function isNeverForAgents(name: string): boolean {
  return NEVER.has(name) || NEVER_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function fits(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/**
 * The environment of an agent: what is on a list (common, the agent's own, AGENT_ENV), and never a setting of the server.
 * PATH is the user's: the folders that npm put before it are out, and our Node's is last, for agents that need one.
 */
export function agentEnvironment(
  env: NodeJS.ProcessEnv,
  agent: AgentEntry,
  settings: Pick<SettingValues, 'agentEnv'>,
): Record<string, string> {
  const patterns = [...COMMON, ...agent.envNames, ...settings.agentEnv];
  const seen: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || isNeverForAgents(name) || !patterns.some((pattern) => fits(name, pattern))) continue;
    seen[name] = name === 'PATH' ? agentPath(value) : value;
  }
  return seen;
}

function agentPath(value: string): string {
  const ours = new Set(ownBinFolders());
  const theirs = value.split(':').filter((folder) => folder !== '' && !ours.has(folder) && !folder.endsWith('/node-gyp-bin'));
  return [...theirs, path.dirname(process.execPath)].join(':');
}
