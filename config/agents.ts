import type { SettingValues } from './settings.ts';

/** One agent that sessions can have. */
export interface AgentEntry {
  agent: string;
  /** Name of the driver that speaks its protocol. */
  driver: string;
  /** The program's name; null for one that is part of Holdfast and runs on its own Node. */
  binary: string | null;
  /** The setting that names the program instead. */
  command: keyof SettingValues | null;
  /** Its own variables, which it may see; a `*` at the end stands for any ending. */
  envNames: readonly string[];
  /** How its program tells its version; default `--version`. */
  versionArgs?: readonly string[];
  /** What its processes may use instead of MAX_MEMORY_PER_SESSION_MB (MiB) and CPU_USAGE_LIMIT_PERCENT, where it is known to need that. */
  limits?: { memoryMb?: number; cpuPercent?: number };
  /** How to get it, for whoever lacks it. */
  install: string | null;
}

/** The agents that this version knows. */
export const agents: readonly AgentEntry[] = [
  {
    agent: 'claude',
    driver: 'claude',
    binary: 'claude',
    command: 'claudeCommand',
    envNames: [
      'ANTHROPIC_*',
      'CLAUDE_*',
      'DISABLE_*',
      'MAX_THINKING_TOKENS',
      'MAX_MCP_OUTPUT_TOKENS',
      'MCP_*',
      'BASH_*',
      'API_TIMEOUT_MS',
      'IS_SANDBOX',
    ],
    install: 'npm install -g @anthropic-ai/claude-code',
  },
  {
    agent: 'terminal',
    driver: 'terminal',
    binary: 'tmux',
    command: null,
    envNames: ['EDITOR', 'VISUAL', 'PAGER', 'LESS', 'LS_COLORS', 'MAIL'],
    versionArgs: ['-V'],
    // People compile in terminals: only what would harm the machine is too much.
    limits: { memoryMb: 2_048, cpuPercent: 10_000 },
    install: 'install tmux 3.2 or newer: apt-get install tmux, dnf install tmux, or brew install tmux',
  },
  { agent: 'echo', driver: 'echo', binary: null, command: null, envNames: ['ECHO_*', 'NODE_COMPILE_CACHE'], install: null },
];

export const agentNames: readonly string[] = agents.map(({ agent }) => agent);

/** The catalogue's entry of an agent, undefined for one that nobody knows. */
export function agentEntry(agent: string): AgentEntry | undefined {
  return agents.find((entry) => entry.agent === agent);
}
