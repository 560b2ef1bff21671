import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The environment in which codex talks to the scripted model and to nobody else. `home`: see `prepareCodexHome`. */
export function codexEnv(home: string): Record<string, string> {
  return { HOME: home, OPENAI_API_KEY: 'sk-scripted-model' };
}

/** Makes `home` a home folder in which codex uses the scripted model at `modelUrl`, and asks and fetches nothing. */
export function prepareCodexHome(home: string, modelUrl: string): void {
  mkdirSync(join(home, '.codex'), { recursive: true, mode: 0o700 });
  const config = `
model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false

[model_providers.scripted]
name = "Scripted"
base_url = "${modelUrl}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
stream_idle_timeout_ms = 5000

# It would make mount points in /tmp, and leave them there.
[sandbox_workspace_write]
exclude_slash_tmp = true

[features]
plugins = false
apps = false

[analytics]
enabled = false
`;
  writeFileSync(join(home, '.codex', 'config.toml'), config, { mode: 0o600 });
}
