import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { agentEnvironment } from '../../config/agent-env.ts';
import type { AgentEntry } from '../../config/agents.ts';
import { agentEntry, agents } from '../../config/agents.ts';
import { packageRoot } from '../../config/find-command.ts';
import { loadSettings } from '../../config/settings.ts';
import { settingNames } from '../../config/settings-table.ts';

const claude = agentEntry('claude') as AgentEntry;
const echo = agentEntry('echo') as AgentEntry;
const seenBy = (agent: AgentEntry, env: Record<string, string>, agentEnv: string[] = []) => agentEnvironment(env, agent, { agentEnv });

describe('the environment of an agent', () => {
  it('[ENV1] has what any program needs, and its own variables, and nothing else', () => {
    const env = {
      HOME: '/h',
      LC_ALL: 'C',
      https_proxy: 'p',
      ANTHROPIC_API_KEY: 'k',
      DISABLE_AUTOUPDATER: '1',
      AWS_SECRET_ACCESS_KEY: 's',
      GITHUB_TOKEN: 't',
    };
    expect(seenBy(claude, env)).toEqual({ HOME: '/h', LC_ALL: 'C', https_proxy: 'p', ANTHROPIC_API_KEY: 'k', DISABLE_AUTOUPDATER: '1' });
    expect(seenBy(echo, env)).toEqual({ HOME: '/h', LC_ALL: 'C', https_proxy: 'p' });
  });

  it('[ENV2] AGENT_ENV adds names and beginnings of names', () => {
    expect(seenBy(echo, { GITHUB_TOKEN: 't', MY_A: '1', MY_B: '2', OTHER: '3' }, ['GITHUB_TOKEN', 'MY_*'])).toEqual({
      GITHUB_TOKEN: 't',
      MY_A: '1',
      MY_B: '2',
    });
  });

  it('[ENV3] no agent ever sees a setting of the server, whatever AGENT_ENV says', () => {
    const secrets = Object.fromEntries([...settingNames, 'APNS_NEW', 'HOLDFAST_X', 'npm_config_token'].map((name) => [name, 'secret']));
    const names = [...Object.keys(secrets), 'A*', 'APNS_*', '*', 'D*'];
    for (const agent of agents) expect(seenBy(agent, secrets, names)).toEqual({});
  });

  it('[ENV4] an agent does not think that it runs inside another one', () => {
    expect(seenBy(claude, { CLAUDECODE: '1', CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_CODE_USE_BEDROCK: '1' })).toEqual({
      CLAUDE_CODE_USE_BEDROCK: '1',
    });
  });

  it("[ENV5] PATH is the user's: npm's folders are out and our Node comes last", () => {
    const ours = path.join(packageRoot, 'node_modules/.bin');
    expect(seenBy(claude, { PATH: `${ours}:/usr/bin::/x/node-gyp-bin:/bin` })['PATH']).toBe(
      `/usr/bin:/bin:${path.dirname(process.execPath)}`,
    );
  });

  it('[ENV1] what the catalogue calls a command is a setting', () => {
    const names = ['CLAUDE', 'CODEX', 'COPILOT', 'OPENCODE', 'GEMINI'].map((name) => [`${name}_COMMAND`, '/opt/agent']);
    const settings = loadSettings(Object.fromEntries(names) as Record<string, string>);
    for (const { command } of agents) if (command !== null) expect(Object.keys(settings)).toContain(command);
  });
});
