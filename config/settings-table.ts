import { z } from 'zod';
import type { Place } from './setting-kinds.ts';
import { commandIn, decimal, flag, oneOf, pathIn, pathsIn, secret, whole, words } from './setting-kinds.ts';

/** One setting: what it is for, its default as it would be written, and how its text is read. */
export interface SettingRow {
  about: string;
  default?: string;
  /** Where the default is not a text that could be written: said in the documentation. */
  defaultNote?: string;
  secret?: true;
  read: z.ZodType<unknown, string>;
}

const row = <const R extends SettingRow>(spec: R): R => spec;
const text = z.string();

function serverRows(place: Place) {
  return {
    PORT: row({ about: 'TCP port; 0 takes a free one', default: '3001', read: whole(0, 65_535) }),
    HOST: row({ about: 'address to listen on', default: '127.0.0.1', read: text }),
    DATA_DIR: row({ about: 'database, journals and token, for one server at a time', default: '~/.holdfast', read: pathIn(place) }),
    AUTH_TOKEN: row({ about: 'the bearer token', defaultNote: 'made at first start, kept in DATA_DIR', secret: true, read: secret }),
    PROJECT_ROOTS: row({ about: "folders in which projects may lie, ':' between them", default: '~', read: pathsIn(place) }),
    ALLOWED_HOSTS: row({
      about: 'further names in the Host header, beside loopback and HOST',
      read: words(/^[\w.-]+$|^\[?[\da-f:.]+\]?$/i, 'must be host names without port, commas between them'),
    }),
    ALLOWED_ORIGINS: row({
      about: 'origins of web pages that may use the API',
      read: words(/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/i, 'must be origins such as https://example.com, commas between them'),
    }),
    ALLOW_TOKEN_IN_URL: row({
      about: 'lets `/ws?token=` in, as the published app connects; URLs get into the logs of proxies',
      default: 'false',
      read: flag,
    }),
    TLS_CERT_PATH: row({ about: 'certificate for HTTPS, PEM; with TLS_KEY_PATH', read: pathIn(place) }),
    TLS_KEY_PATH: row({ about: 'its private key, PEM', read: pathIn(place) }),
    MAX_BODY_MB: row({ about: 'largest request body in MB', default: '50', read: decimal(0.001, 1024) }),
    LOG_LEVEL: row({
      about: 'fatal, error, warn, info, debug, trace or silent',
      default: 'info',
      read: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    }),
  };
}

const poolRows = {
  MAX_CONCURRENT_SESSIONS: row({ about: 'live agent processes at a time', default: '10', read: whole(1, 10_000) }),
  SESSION_TIMEOUT_HOURS: row({ about: 'an idle process ends after', default: '24', read: decimal(0, 8760) }),
  SESSION_WARNING_HOURS: row({
    about: 'and is announced after',
    defaultNote: '20, or five sixths of SESSION_TIMEOUT_HOURS',
    read: decimal(0, 8760),
  }),
  HEALTH_CHECK_INTERVAL_SECONDS: row({ about: 'time between two looks at the processes', default: '30', read: decimal(0.05, 86_400) }),
  MAX_MEMORY_PER_SESSION_MB: row({ about: 'memory of a process and its children', default: '500', read: decimal(1, 1_048_576) }),
  MAX_TOTAL_MEMORY_GB: row({ about: 'memory of all processes together', default: '4', read: decimal(0.001, 65_536) }),
  CPU_USAGE_LIMIT_PERCENT: row({ about: 'CPU of a process and its children', default: '80', read: decimal(0.1, 100_000) }),
  MAX_QUEUED_MESSAGES: row({ about: 'messages that may wait in one session', default: '20', read: whole(0, 10_000) }),
  MAX_WAITING: row({ about: 'sessions that may wait for a process', default: '50', read: whole(0, 100_000) }),
  STALL_MINUTES: row({ about: 'silence after which a turn is looked at', default: '10', read: decimal(0, 100_000) }),
  MODEL_TIMEOUT_MINUTES: row({
    about: 'silence of a model after which its turn is given up, looked at each STALL_MINUTES; 0: never',
    default: '30',
    read: decimal(0, 100_000),
  }),
  SESSION_MODE: row({
    about: 'keep-alive, or per-message for one process per message',
    default: 'keep-alive',
    read: oneOf(['keep-alive', 'per-message']),
  }),
  WARM_SPARES: row({ about: 'spare processes per recently used project', default: '0', read: whole(0, 100) }),
  RETENTION_DAYS: row({
    about: 'unused conversations are archived after so many days, and deleted after as many more; 0 keeps them',
    default: '90',
    read: decimal(0, 36_500),
  }),
  COMPACT_AFTER_SECONDS: row({
    about: "time after a turn's end when its deltas become one message",
    default: '60',
    read: decimal(0, 86_400),
  }),
  DATABASE_SYNC: row({
    about: 'NORMAL, or FULL to survive a power cut to the last event',
    default: 'NORMAL',
    read: oneOf(['NORMAL', 'FULL']),
  }),
  DATABASE_KEY: row({ about: 'key for an encrypted database', secret: true, read: secret }),
};

function agentRows(place: Place) {
  const command = (name: string) =>
    row({ about: `path of ${name}`, defaultNote: 'from PATH, else node_modules/.bin', read: commandIn(place) });
  return {
    DEFAULT_AGENT: row({ about: 'the agent of a session that names none', default: 'claude', read: text }),
    PERMISSION_MODE: row({
      about: 'what agents may do unasked: ask, accept-edits, plan or auto',
      default: 'ask',
      read: oneOf(['ask', 'accept-edits', 'plan', 'auto']),
    }),
    APPROVAL_TIMEOUT_MINUTES: row({
      about: 'an approval or a question that nobody decides is denied after; 0 lets it wait as long as the process lives',
      defaultNote: '1380 (23 hours), or 23/24 of SESSION_TIMEOUT_HOURS where that is less',
      read: decimal(0, 28_800),
    }),
    CLAUDE_COMMAND: command('claude'),
    CODEX_COMMAND: command('codex'),
    COPILOT_COMMAND: command('copilot'),
    OPENCODE_COMMAND: command('opencode'),
    GEMINI_COMMAND: command('gemini'),
    AGENT_ENV: row({
      about: "further variables that agents may see, commas between them; the server's own never",
      read: words(/^[A-Za-z_]\w*\*?$/, 'must be names of variables (a * at the end is allowed), commas between them'),
    }),
  };
}

function pushRows(place: Place) {
  return {
    APNS_KEY_PATH: row({ about: "Apple's push key, .p8", read: pathIn(place) }),
    APNS_KEY_ID: row({ about: 'its id', read: text }),
    APNS_TEAM_ID: row({ about: "the team's id", read: text }),
    APNS_TOPIC: row({ about: "the app's bundle id", read: text }),
    APNS_PRODUCTION: row({ about: "Apple's production service instead of the sandbox", default: 'false', read: flag }),
    APNS_HOST: row({ about: 'another push service', read: text }),
    APNS_PORT: row({ about: 'its port', read: whole(1, 65_535) }),
    PUSH_ESCALATE_SECONDS: row({
      about: 'an approval or question that nobody reacted to goes to the devices that were left out after; 0 never',
      default: '60',
      read: decimal(0, 86_400),
    }),
    MAX_DEVICES: row({ about: 'devices that one user can have', default: '20000', read: whole(1, 1_000_000) }),
    APNS_CA_PATH: row({ about: 'its certificate authority, PEM', read: pathIn(place) }),
  };
}

/** Every setting by its name in the environment: the only list there is; the documentation and example.env are made from it. */
export const settingsTable = (place: Place) => ({ ...serverRows(place), ...poolRows, ...agentRows(place), ...pushRows(place) });
export type SettingsTable = ReturnType<typeof settingsTable>;
export type SettingName = keyof SettingsTable;

/** Names of all settings. */
export const settingNames = Object.keys(settingsTable({ home: '/', cwd: '/' })) as SettingName[];
