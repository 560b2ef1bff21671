import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** An agent that speaks the Agent Client Protocol and is known to run offline on the scripted model. */
export type AcpAgent = 'copilot' | 'opencode' | 'gemini';

function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, JSON.stringify(value), { mode: 0o600 });
}

/** The environment in which an agent talks to the scripted model at `modelUrl` and to nobody else. See `prepareAcpHome`. */
export function acpEnv(agent: AcpAgent, modelUrl: string, home: string): Record<string, string> {
  switch (agent) {
    case 'copilot':
      return {
        HOME: home,
        COPILOT_OFFLINE: 'true',
        COPILOT_PROVIDER_BASE_URL: `${modelUrl}/v1`,
        COPILOT_PROVIDER_API_KEY: 'scripted',
        COPILOT_MODEL: 'gpt-5',
      };
    case 'opencode':
      return {
        HOME: home,
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
        OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
      };
    case 'gemini':
      return {
        HOME: home,
        GEMINI_API_KEY: 'scripted',
        GOOGLE_GEMINI_BASE_URL: modelUrl,
        // Without a model it asks one which model to ask.
        GEMINI_MODEL: 'gemini-2.5-pro',
        GEMINI_CLI_TRUST_WORKSPACE: 'true',
      };
  }
}

/** Makes `home` a home folder in which the agent is set up for the scripted model and asks nothing at its first start. */
export function prepareAcpHome(agent: AcpAgent, modelUrl: string, home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (agent === 'gemini') {
    writeJson(join(home, '.gemini/settings.json'), {
      security: { auth: { selectedType: 'gemini-api-key' } },
      // By itself it tries ten times, which takes minutes.
      general: { enableAutoUpdate: false, maxAttempts: 3, sessionRetention: { enabled: false } },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
    });
  }
  if (agent === 'opencode') {
    const model = {
      name: 'Scripted',
      tool_call: true,
      reasoning: true,
      attachment: true,
      modalities: { input: ['text', 'image'], output: ['text'] },
      limit: { context: 200_000, output: 10_000 },
      cost: { input: 1, output: 2 },
    };
    writeJson(join(home, '.config/opencode/opencode.json'), {
      autoupdate: false,
      share: 'disabled',
      model: 'scripted/scripted',
      small_model: 'scripted/scripted',
      provider: {
        scripted: {
          npm: '@ai-sdk/openai-compatible',
          name: 'Scripted',
          options: { baseURL: `${modelUrl}/v1`, apiKey: 'scripted' },
          models: { scripted: model },
        },
      },
    });
  }
}
