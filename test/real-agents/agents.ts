import { join } from 'node:path';
import { type AcpAgent, acpEnv, prepareAcpHome } from '../../cli/model/acp-env.ts';
import { claudeEnv, prepareClaudeHome } from '../../cli/model/claude-env.ts';
import { codexEnv, prepareCodexHome } from '../../cli/model/codex-env.ts';
import { packageRoot } from '../../config/find-command.ts';
import { programOf } from './programs.ts';

/** One real agent of the matrix: how it is pointed at the scripted model, and where it differs from the others. */
export interface RealAgent {
  agent: string;
  /** Makes `home` its home folder, and gives the server's environment, with the setting that names its program. */
  prepare(home: string, modelUrl: string): Record<string, string>;
  /** A message at which it uses a tool that its mode `ask` asks about, which makes `file` in the project. */
  touch(file: string): string;
  /** Two of its words for how hard its model thinks; or why it has none. */
  efforts: readonly [string, string] | { none: string };
  /** Why it does not go back to its own effort in a conversation that is resumed. */
  keepsEffort?: string;
  /** How long a turn may take to fail, in seconds, where the model fails like this; null where it does not fail. */
  failsWithin: Record<Failure, number | null>;
}

/** Ways for the model to fail, as the script calls them. */
export const failures = ['status=401', 'status=429', 'status=529', 'cut'] as const;
export type Failure = (typeof failures)[number];

const touch = (file: string): string => `run: touch ${file}`;

export const codex: RealAgent = {
  agent: 'codex',
  prepare: (home, modelUrl) => {
    prepareCodexHome(home, modelUrl);
    return { ...codexEnv(home), CODEX_COMMAND: programOf('codex') };
  },
  touch,
  efforts: ['high', 'low'],
  failsWithin: { 'status=401': 20, 'status=429': 20, 'status=529': 20, cut: 20 },
};

export const claude: RealAgent = {
  agent: 'claude',
  prepare: (home, modelUrl) => {
    prepareClaudeHome(home);
    const patience = { CLAUDE_CODE_MAX_RETRIES: '1' };
    return { ...claudeEnv(modelUrl, home), ...patience, CLAUDE_COMMAND: join(packageRoot, 'node_modules/.bin/claude') };
  },
  touch,
  efforts: ['high', 'low'],
  // What was cut is asked for again without a stream, and then comes whole.
  failsWithin: { 'status=401': 20, 'status=429': 30, 'status=529': 30, cut: null },
};

/** An agent that speaks the Agent Client Protocol. Their retries may take minutes. */
function acp(agent: AcpAgent, efforts: RealAgent['efforts'], failsWithin: RealAgent['failsWithin']): RealAgent {
  const prepare = (home: string, modelUrl: string): Record<string, string> => {
    prepareAcpHome(agent, modelUrl, home);
    return { ...acpEnv(agent, modelUrl, home), [`${agent.toUpperCase()}_COMMAND`]: programOf(agent) };
  };
  return { agent, prepare, touch, efforts, failsWithin };
}

const noOption = { none: 'its sessions offer no option for that' };
export const copilot = acp('copilot', noOption, { 'status=401': 30, 'status=429': 120, 'status=529': 60, cut: 60 });
export const opencode: RealAgent = {
  ...acp('opencode', ['high', 'medium'], { 'status=401': 60, 'status=429': 180, 'status=529': 180, cut: 180 }),
  keepsEffort: 'what it loads has the model and the effort of its last message, and it tells no others',
};
export const gemini = acp('gemini', noOption, { 'status=401': 30, 'status=429': 360, 'status=529': 360, cut: 60 });
