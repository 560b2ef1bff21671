import { resolve } from 'node:path';
import type { SettingName } from '../../config/settings-table.ts';
import { systemClock, type Clock } from '../../server/platform/clock.ts';
import type { ConnectionView, InFlight } from './connection.ts';
import { startControl, type Control } from './control/control.ts';
import { filesIn, loadCredentials, makeCredentials, saveCredentials, type CredentialFiles } from './credentials.ts';
import { Devices, type Device } from './devices.ts';
import { phoneOf, type Phone } from './phone.ts';
import { ProviderTokens } from './provider-tokens.ts';
import { PushLog, type PushCounts } from './push-log.ts';
import type { PushRecord } from './push-record.ts';
import { PushServer, type ConnectionRules } from './push-server.ts';
import { PushService } from './push-service.ts';
import { Script, type RunningRule, type ScriptedRule } from './script.ts';
import { pushSettings } from './settings-text.ts';

/** How a sandbox is to be. Everything may be left out. */
export interface PushSandboxOptions extends Partial<ConnectionRules> {
  /** Port of the push service; 0 takes a free one, which is the default. */
  port?: number;
  /** Port of the page and the control API; 0 takes a free one. Without it there is none. */
  controlPort?: number;
  /** Where the CA and the provider key are kept, and taken from when they are there. Without it they are in memory only. */
  folder?: string;
  /** Names of the provider key; made up where they are missing. */
  keyId?: string;
  teamId?: string;
  /** Bundle ids that may be pushed to; any by default. */
  topics?: readonly string[];
  /** How many pushes are kept. */
  capacity?: number;
  /** How long a body may take to come, in milliseconds. */
  idleMs?: number;
  /** Actions of notification categories, for the page. */
  categories?: Readonly<Record<string, readonly string[]>>;
  /** Time for provider tokens, delays and records. Certificates go by the machine's, as their readers do. */
  clock?: Clock;
  /** Gets a sentence about what can't be seen in the pushes, such as a client that does not trust the CA. */
  log?: (text: string) => void;
}

/** A push service of one's own. */
export interface PushSandbox {
  host: string;
  port: number;
  url: string;
  /** Address of the page, where there is one. */
  controlUrl: string | null;
  /** PEM of the certificate authority, for the `ca` option of a client. */
  ca: string;
  /** The provider key, as in Apple's .p8 files. */
  key: string;
  keyId: string;
  teamId: string;
  files: CredentialFiles | null;
  /** APNS_* settings of a Holdfast server that is to use it; those that name files only where there is a folder. */
  settings: Partial<Record<SettingName, string>>;
  /** The newest pushes, in the order of their arrival. */
  pushes(): PushRecord[];
  counts(): PushCounts;
  connections(): ConnectionView[];
  /** What the phone of a device token shows. */
  device(token: string): Phone;
  /** Says which app a device token is for, and whether that app is gone. */
  setDevice(token: string, device: Device): void;
  /** Adds a rule to the script. */
  script(rule: ScriptedRule): RunningRule;
  /** Takes rules out of the script: one, or all. */
  unscript(id?: number): void;
  /** Ends every connection with GOAWAY. */
  goAway(inFlight: InFlight): void;
  /** Destroys the socket of every connection. */
  cutConnections(): void;
  /** Streams that a connection may have at a time. */
  allowStreams(most: number): void;
  /** Answers what is under way with 503 Shutdown, and frees the ports. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const STREAMS = 1_000;
const CAPACITY = 10_000;
const IDLE_MS = 30_000;

/** Starts a push service that behaves as Apple's provider API is documented, on loopback. Rejects where a port is taken. */
export async function startPushSandbox(options: PushSandboxOptions = {}): Promise<PushSandbox> {
  const { clock = systemClock, log = () => undefined } = options;
  const folder = options.folder === undefined ? null : resolve(options.folder);
  const now = systemClock.now();
  const kept = folder === null ? null : loadCredentials(folder, now);
  const credentials = kept ?? makeCredentials(now, options);
  if (folder !== null && kept === null) saveCredentials(folder, credentials);
  const { certificates, providerKey } = credentials;
  const files = folder === null ? null : filesIn(folder, providerKey);

  const pushLog = new PushLog(options.capacity ?? CAPACITY);
  const devices = new Devices(options.topics ?? null);
  const script = new Script();
  const listeners = new Set<(record: PushRecord) => void>();
  const service = new PushService({
    clock,
    log: pushLog,
    tokens: new ProviderTokens(providerKey, clock),
    devices,
    script,
    idleMs: options.idleMs ?? IDLE_MS,
    settled: (record) => listeners.forEach((listener) => listener(record)),
  });
  const server = new PushServer(
    certificates,
    service,
    {
      streams: options.streams ?? STREAMS,
      oneUntilTrusted: options.oneUntilTrusted ?? true,
      tokenUpdates: options.tokenUpdates ?? 'connection',
    },
    log,
  );
  const port = await server.listen(options.port ?? 0);
  let control: Control | null = null;
  const sandbox: PushSandbox = {
    host: HOST,
    port,
    url: `https://${HOST}:${port}`,
    controlUrl: null,
    ca: certificates.ca,
    key: providerKey.p8,
    keyId: providerKey.keyId,
    teamId: providerKey.teamId,
    files,
    settings: pushSettings({ host: HOST, port, providerKey, files, topic: options.topics?.[0] }),
    pushes: () => pushLog.records(),
    counts: () => pushLog.counts(),
    connections: () => server.connections(),
    device: (token) => phoneOf(token, pushLog.takenBy(token)),
    setDevice: (token, device) => devices.set(token, device),
    script: (rule) => script.add(rule),
    unscript: (id) => (id === undefined ? script.clear() : void script.remove(id)),
    goAway: (inFlight) => server.goAway(inFlight),
    cutConnections: () => server.cut(),
    allowStreams: (most) => server.allowStreams(most),
    close: async () => {
      await Promise.all([server.close(), control?.close()]);
    },
  };
  if (options.controlPort === undefined) return sandbox;
  try {
    const parts = { sandbox, log: pushLog, script, categories: options.categories ?? {} };
    control = await startControl(options.controlPort, parts, (listener) => listeners.add(listener));
  } catch (error) {
    await server.close();
    throw error;
  }
  return { ...sandbox, controlUrl: control.url };
}
