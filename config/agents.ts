import type { AcpProfile } from '../server/contracts/acp-profile.ts';
import type { SettingValues } from './settings.ts';
import type { SignIn } from './sign-in.ts';

/** One agent that sessions can have. */
export interface AgentEntry {
  agent: string;
  /** Name of the driver that speaks its protocol. */
  driver: string;
  /** The program's name; null for one that is part of Holdfast and runs on its own Node. */
  binary: string | null;
  /** The setting that names the program instead. */
  command: keyof SettingValues | null;
  /** For the driver `acp`: how this agent speaks the Agent Client Protocol. */
  acp?: AcpProfile;
  /** Variables that each of its processes gets with a secret of its own, such as a password for a port that it opens. */
  secretEnv?: readonly string[];
  /** Its own variables, which it may see; a `*` at the end stands for any ending. */
  envNames: readonly string[];
  /** How its program tells its version; default `--version`. */
  versionArgs?: readonly string[];
  /** What its processes may use instead of MAX_MEMORY_PER_SESSION_MB (MiB) and CPU_USAGE_LIMIT_PERCENT, where it is known to need that. */
  limits?: { memoryMb?: number; cpuPercent?: number };
  /** Where the real program is behind the shim that npm installs, as paths from the shim's package: see `nativeProgram`. */
  native?: readonly string[];
  /** The oldest version that its driver was tried with. */
  triedSince?: string;
  /** Where it keeps that it is signed in; left out where that is not known. */
  signIn?: SignIn | 'not-needed';
  /** How to get it, for whoever lacks it. */
  install: string | null;
}

/** Agents that speak the Agent Client Protocol. One more is one more entry here: see docs/agents.md. */
const acpAgents: readonly AgentEntry[] = [
  {
    agent: 'copilot',
    driver: 'acp',
    binary: 'copilot',
    command: 'copilotCommand',
    envNames: ['COPILOT_*', 'GH_TOKEN', 'GITHUB_TOKEN', 'GH_HOST', 'OTEL_*'],
    acp: {
      args: ['--acp'],
      env: { COPILOT_AUTO_UPDATE: 'false' },
      modes: {
        ask: 'https://agentclientprotocol.com/protocol/session-modes#agent',
        'accept-edits': 'https://agentclientprotocol.com/protocol/session-modes#agent',
        auto: 'https://agentclientprotocol.com/protocol/session-modes#agent',
        plan: 'https://agentclientprotocol.com/protocol/session-modes#plan',
      },
      quirks: {
        // It tells what it does beside the model's words in pieces of their own.
        failureText: '^Error: .+',
        retryText: '^Info: .*Retrying\\.\\.\\.$',
        noticeText: '^Info: (Operation cancelled by user|/\\S+)$',
        usage: 'process',
      },
    },
    triedSince: '1.0.102',
    signIn: {
      env: ['COPILOT_GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_TOKEN', 'COPILOT_PROVIDER_BASE_URL'],
      files: [{ variable: 'COPILOT_HOME', folder: '~/.copilot', name: 'config.json', members: ['copilotTokens', 'copilot_tokens'] }],
      // It prefers the system's key store, or takes over the account of `gh`.
      keychainOn: ['linux', 'darwin', 'win32'],
      how: 'Run `copilot login`, or set GH_TOKEN.',
    },
    install: 'npm install -g @github/copilot',
  },
  {
    agent: 'opencode',
    driver: 'acp',
    binary: 'opencode',
    command: 'opencodeCommand',
    envNames: ['OPENCODE_*', 'ANTHROPIC_*', 'OPENAI_*', 'GEMINI_API_KEY', 'GOOGLE_*', 'OPENROUTER_API_KEY'],
    // It opens an HTTP port, which anybody on this machine could use.
    secretEnv: ['OPENCODE_SERVER_PASSWORD'],
    acp: {
      args: ['acp'],
      // By itself it asks nobody.
      env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask","webfetch":"ask"}' },
      // Each process unpacks a library of 5 MB there, and leaves it.
      temporaryEnv: 'BUN_TMPDIR',
      modes: { ask: 'build', 'accept-edits': 'build', auto: 'build', plan: 'plan' },
      // Which of them there are depends on the model.
      efforts: ['low', 'medium', 'high'],
    },
    limits: { memoryMb: 1_200 },
    triedSince: '1.18.0',
    signIn: {
      env: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY', 'OPENROUTER_API_KEY'],
      files: [{ variable: 'XDG_DATA_HOME', folder: '~/.local/share', name: 'opencode/auth.json' }],
      // A provider of one's own may need no key.
      maybe: [
        { variable: 'XDG_CONFIG_HOME', folder: '~/.config', name: 'opencode/opencode.json' },
        { variable: 'XDG_CONFIG_HOME', folder: '~/.config', name: 'opencode/opencode.jsonc' },
      ],
      how: 'Run `opencode auth login`, or set the key of a provider.',
    },
    install: 'npm install -g opencode-ai',
  },
  {
    agent: 'gemini',
    driver: 'acp',
    binary: 'gemini',
    command: 'geminiCommand',
    envNames: ['GEMINI_*', 'GOOGLE_*'],
    acp: {
      args: ['--acp'],
      // Else it starts itself again as a child, which costs memory and time.
      env: { GEMINI_CLI_NO_RELAUNCH: 'true' },
      modes: { ask: 'default', 'accept-edits': 'default', auto: 'default', plan: 'plan' },
      quirks: {
        noticeText: '^\\[MODE_UPDATE\\] ',
        replayEnd: 'available_commands_update',
        // It names files after the minute and the first characters of the id: in the minute in which a conversation was made, loading it
        // would write over it. It ignores blanks around an id, but not in that name.
        loadAs: '        {id}',
      },
    },
    triedSince: '0.61.0',
    signIn: {
      env: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_GENAI_USE_VERTEXAI', 'GOOGLE_GENAI_USE_GCA'],
      files: [{ folder: '~/.gemini', name: 'oauth_creds.json', members: ['access_token', 'refresh_token'] }],
      maybe: [
        { folder: '~/.gemini', name: '.env' },
        { folder: '~/.gemini', name: 'gemini-credentials.json' },
      ],
      keychainOn: ['darwin', 'win32'],
      how: 'Run `gemini` once and sign in, or set GEMINI_API_KEY.',
    },
    install: 'npm install -g @google/gemini-cli',
  },
];

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
    triedSince: '2.1.197',
    signIn: {
      env: [
        'ANTHROPIC_API_KEY',
        'ANTHROPIC_AUTH_TOKEN',
        'CLAUDE_CODE_OAUTH_TOKEN',
        'CLAUDE_CODE_USE_BEDROCK',
        'CLAUDE_CODE_USE_VERTEX',
        'CLAUDE_CODE_USE_FOUNDRY',
      ],
      files: [{ variable: 'CLAUDE_CONFIG_DIR', folder: '~/.claude', name: '.credentials.json', members: ['claudeAiOauth'] }],
      // It may name a helper that gets the key, or variables.
      maybe: [{ variable: 'CLAUDE_CONFIG_DIR', folder: '~/.claude', name: 'settings.json' }],
      keychainOn: ['darwin'],
      how: 'Run `claude` once and sign in, or set ANTHROPIC_API_KEY.',
    },
    install: 'npm install -g @anthropic-ai/claude-code',
  },
  {
    agent: 'codex',
    driver: 'codex',
    binary: 'codex',
    command: 'codexCommand',
    envNames: ['CODEX_*', 'OPENAI_*', 'AZURE_OPENAI_*'],
    native: [
      '../codex-{platform}-{arch}/vendor/{triple}/bin/codex',
      'node_modules/@openai/codex-{platform}-{arch}/vendor/{triple}/bin/codex',
      'vendor/{triple}/bin/codex',
    ],
    triedSince: '0.169.0',
    signIn: {
      // Its app server takes no key from a variable, only from where `codex login` puts it.
      env: [],
      files: [{ variable: 'CODEX_HOME', folder: '~/.codex', name: 'auth.json', members: ['OPENAI_API_KEY', 'tokens'] }],
      // It may name a provider of one's own, or the system's key store.
      maybe: [{ variable: 'CODEX_HOME', folder: '~/.codex', name: 'config.toml' }],
      how: 'Run `codex login`, or with a key `printenv OPENAI_API_KEY | codex login --with-api-key`.',
    },
    install: 'npm install -g @openai/codex',
  },
  ...acpAgents,
  {
    agent: 'terminal',
    driver: 'terminal',
    binary: 'tmux',
    command: null,
    envNames: ['EDITOR', 'VISUAL', 'PAGER', 'LESS', 'LS_COLORS', 'MAIL'],
    versionArgs: ['-V'],
    // People compile in terminals: only what would harm the machine is too much.
    limits: { memoryMb: 2_048, cpuPercent: 10_000 },
    signIn: 'not-needed',
    install: 'install tmux 3.2 or newer: apt-get install tmux, dnf install tmux, or brew install tmux',
  },
  {
    agent: 'echo',
    driver: 'echo',
    binary: null,
    command: null,
    envNames: ['ECHO_*', 'NODE_COMPILE_CACHE'],
    signIn: 'not-needed',
    install: null,
  },
];

export const agentNames: readonly string[] = agents.map(({ agent }) => agent);

/** The catalogue's entry of an agent, undefined for one that nobody knows. */
export function agentEntry(agent: string): AgentEntry | undefined {
  return agents.find((entry) => entry.agent === agent);
}
