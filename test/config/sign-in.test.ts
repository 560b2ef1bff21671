import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isNeverForAgents } from '../../config/agent-env.ts';
import { agentEntry, agents } from '../../config/agents.ts';
import { signedIn, type SignIn } from '../../config/sign-in.ts';

function home(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-home-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

function stateOf(agent: string, files: Record<string, string>, env: Record<string, string> = {}, platform: NodeJS.Platform = 'linux') {
  return signedIn(agentEntry(agent)?.signIn as SignIn, { HOME: home(files), ...env }, platform);
}

describe('whether an agent is signed in', () => {
  it.each([
    ['claude', '.claude/.credentials.json', '{"claudeAiOauth":{"accessToken":"t"}}', 'ANTHROPIC_API_KEY'],
    ['opencode', '.local/share/opencode/auth.json', '{"anthropic":{"type":"api","key":"k"}}', 'ANTHROPIC_API_KEY'],
    ['gemini', '.gemini/oauth_creds.json', '{"access_token":"t"}', 'GEMINI_API_KEY'],
  ])('[AV2] %s is by its credentials file or by a key, and else it is not', (agent, file, text, variable) => {
    expect(stateOf(agent, { [file]: text })).toBe('yes');
    expect(stateOf(agent, {}, { [variable]: 'k' })).toBe('yes');
    expect(stateOf(agent, {}, { [variable]: '' })).toBe('no');
    expect(stateOf(agent, {})).toBe('no');
  });

  it('[AV2] codex is by its credentials file alone: its app server takes no key from a variable', () => {
    expect(stateOf('codex', { '.codex/auth.json': '{"OPENAI_API_KEY":null,"tokens":{"access_token":"t"}}' })).toBe('yes');
    expect(stateOf('codex', {}, { OPENAI_API_KEY: 'k', CODEX_API_KEY: 'k' })).toBe('no');
  });

  it('[AV2] a pipe in place of a file is not waited for, and a file that is too large is not read: it is unknown', () => {
    const folder = home();
    execFileSync('mkfifo', [path.join(folder, 'auth.json'), path.join(folder, 'config.toml')]);
    const codex = agentEntry('codex')?.signIn as SignIn;
    expect(signedIn(codex, { HOME: folder, CODEX_HOME: folder }, 'linux')).toBe('unknown');
    expect(stateOf('codex', { '.codex/auth.json': `{"tokens":"${'x'.repeat(2 * 1024 * 1024)}"}` })).toBe('unknown');
  });

  it('[AV2] a file that was left without credentials is no sign-in, and one that cannot be understood proves nothing', () => {
    expect(stateOf('claude', { '.claude/.credentials.json': '{"mcpOAuth":{"a":1}}' })).toBe('no');
    expect(stateOf('codex', { '.codex/auth.json': '{"OPENAI_API_KEY":null,"tokens":null}' })).toBe('no');
    expect(stateOf('opencode', { '.local/share/opencode/auth.json': '{}' })).toBe('no');
    expect(stateOf('codex', { '.codex/auth.json': 'not json' })).toBe('unknown');
  });

  it('[AV2] it is unknown where the agent keeps credentials elsewhere, or may need none', () => {
    expect(stateOf('claude', {}, {}, 'darwin')).toBe('unknown');
    expect(stateOf('copilot', {})).toBe('unknown');
    expect(stateOf('codex', { '.codex/config.toml': 'model_provider = "mine"' })).toBe('unknown');
    expect(stateOf('claude', { '.claude/settings.json': '{"apiKeyHelper":"x"}' })).toBe('unknown');
  });

  it("[AV2] the agent's own variable names the folder", () => {
    const elsewhere = home({ 'auth.json': '{"OPENAI_API_KEY":"k"}' });
    expect(stateOf('codex', {}, { CODEX_HOME: elsewhere })).toBe('yes');
  });

  it('[AV2] looks at no variable that the agent would not see', () => {
    for (const { agent, signIn: kept, envNames } of agents) {
      const signIn = typeof kept === 'object' ? kept : undefined;
      const fits = (name: string): boolean =>
        envNames.some((own) => (own.endsWith('*') ? name.startsWith(own.slice(0, -1)) : own === name));
      const common = ['XDG_DATA_HOME', 'XDG_CONFIG_HOME'];
      const folders = [...(signIn?.files ?? []), ...(signIn?.maybe ?? [])].flatMap(({ variable }) => variable ?? []);
      const unseen = [...(signIn?.env ?? []), ...folders].filter(
        (name) => isNeverForAgents(name) || !(fits(name) || common.includes(name)),
      );
      expect({ agent, unseen }).toEqual({ agent, unseen: [] });
    }
  });
});
