import { isNeverForAgents } from './agent-env.ts';
import { isLoopback } from './hosts.ts';
import type { SettingValues } from './settings.ts';

/** What is allowed but probably not meant, one sentence each. */
export function warningsOf(settings: SettingValues): string[] {
  const warnings: string[] = [];
  if (!isLoopback(settings.host) && settings.tlsCertPath === undefined)
    warnings.push(
      `HOST is ${settings.host} without TLS: whoever shares the network can read the token; set TLS_CERT_PATH and TLS_KEY_PATH.`,
    );
  for (const name of settings.agentEnv.filter(isNeverForAgents)) warnings.push(`AGENT_ENV names ${name}, which agents never get.`);
  if (settings.databaseKey !== undefined) warnings.push('DATABASE_KEY is set, but this version does not encrypt its database.');
  if (settings.allowTokenInUrl)
    warnings.push('ALLOW_TOKEN_IN_URL is on: the token in the address of /ws may get into the logs of whatever stands between.');
  return warnings;
}
