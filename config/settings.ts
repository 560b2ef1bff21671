import type { z } from 'zod';
import { AppError } from '../server/platform/app-error.ts';
import { agentNames } from './agents.ts';
import { allowedHosts } from './hosts.ts';
import type { Machine } from './machine.ts';
import { thisMachine } from './machine.ts';
import type { SettingName, SettingRow, SettingsTable } from './settings-table.ts';
import { settingNames, settingsTable } from './settings-table.ts';
import { warningsOf } from './warnings.ts';

type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${Lowercase<A>}${Capitalize<Camel<B>>}` : Lowercase<S>;
type Lists = 'AGENT_ENV' | 'ALLOWED_HOSTS' | 'ALLOWED_ORIGINS';
type Always = 'SESSION_WARNING_HOURS' | 'APPROVAL_TIMEOUT_MINUTES' | Lists;
type ValueOf<N extends SettingName> =
  z.output<SettingsTable[N]['read']> | (SettingsTable[N] extends { default: string } ? never : N extends Always ? never : undefined);

/** Every setting under its name in camel case; one without a default may be undefined. */
export type SettingValues = { readonly [N in SettingName as Camel<N>]: ValueOf<N> };
export interface Settings extends SettingValues {
  /** Sentences for whoever starts the server. */
  readonly warnings: readonly string[];
}

/** `MAX_WAITING` → `maxWaiting` */
function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Every setting, read once and frozen. Throws AppError `bad-setting` with a sentence for each wrong one. */
export function loadSettings(env: NodeJS.ProcessEnv, machine: Machine = thisMachine(env)): Settings {
  const table: Record<string, SettingRow> = settingsTable(machine);
  const values: Record<string, unknown> = {};
  const wrong: string[] = [];
  for (const name of settingNames) {
    const setting = table[name];
    // An empty variable is one that is not set: that is how people switch one off.
    const text = env[name]?.trim() || setting?.default;
    if (setting === undefined || text === undefined) continue;
    const result = setting.read.safeParse(text);
    if (result.success) values[camelCase(name)] = result.data;
    else
      wrong.push(`${name} ${result.error.issues[0]?.message ?? 'is not valid'}${setting.secret ? '' : `, not ${JSON.stringify(text)}`}.`);
  }
  if (wrong.length > 0) throw new AppError('bad-setting', wrong.join(' '));
  return complete(values as unknown as Partial<SettingValues> & SettingValues, machine);
}

function complete(read: SettingValues, machine: Machine): Settings {
  const sixths = (read.sessionTimeoutHours * 5) / 6;
  const settings = {
    ...read,
    sessionWarningHours: read.sessionWarningHours ?? Math.min(20, sixths),
    // Earlier than the process itself expires: the agent is still there to be told.
    approvalTimeoutMinutes: read.approvalTimeoutMinutes ?? Math.min(1380, read.sessionTimeoutHours * 57.5),
    allowedHosts: allowedHosts(read.host, read.allowedHosts ?? [], machine),
    allowedOrigins: (read.allowedOrigins ?? []).map((origin) => origin.toLowerCase()),
    agentEnv: read.agentEnv ?? [],
  };
  refuse(settings);
  return Object.freeze({ ...settings, warnings: Object.freeze(warningsOf(settings)) });
}

/** What single values can't show: settings that contradict each other. */
function refuse(settings: SettingValues): void {
  const fail = (sentence: string): never => {
    throw new AppError('bad-setting', sentence);
  };
  if (settings.sessionWarningHours > settings.sessionTimeoutHours)
    fail('SESSION_WARNING_HOURS must not be more than SESSION_TIMEOUT_HOURS.');
  if ((settings.tlsCertPath === undefined) !== (settings.tlsKeyPath === undefined))
    fail('TLS_CERT_PATH and TLS_KEY_PATH must be set together.');
  if (!agentNames.includes(settings.defaultAgent))
    fail(`DEFAULT_AGENT must be one of ${agentNames.join(', ')}, not "${settings.defaultAgent}".`);
  if (settings.projectRoots.length === 0) fail('PROJECT_ROOTS must name at least one folder.');
}
