import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The key that the scripted model takes; the real one takes no such key. */
const modelKey = 'sk-ant-scripted-model-0000000000000000';

/**
 * The environment in which the Claude CLI talks to the scripted model at `modelUrl` and to nobody else. `home` must be
 * a folder of its own: see `prepareClaudeHome`.
 */
export function claudeEnv(modelUrl: string, home: string): Record<string, string> {
  return {
    HOME: home,
    ANTHROPIC_BASE_URL: modelUrl,
    ANTHROPIC_API_KEY: modelKey,
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  };
}

/** Makes `home` a home folder in which the CLI asks nothing at its first start. */
export function prepareClaudeHome(home: string): void {
  mkdirSync(join(home, '.claude'), { recursive: true, mode: 0o700 });
  const answers = {
    hasCompletedOnboarding: true,
    bypassPermissionsModeAccepted: true,
    autoUpdates: false,
    customApiKeyResponses: { approved: [modelKey.slice(-20)], rejected: [] },
  };
  writeFileSync(join(home, '.claude.json'), JSON.stringify(answers), { mode: 0o600 });
  writeFileSync(join(home, '.claude', 'settings.json'), '{}', { mode: 0o600 });
}
