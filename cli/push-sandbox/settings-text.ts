import type { SettingName } from '../../config/settings-table.ts';
import type { CredentialFiles } from './credentials.ts';
import type { ProviderKey } from './provider-key.ts';

/** What settings are made from. */
export interface SettingsSource {
  host: string;
  port: number;
  providerKey: ProviderKey;
  files: CredentialFiles | null;
  topic: string | undefined;
}

/** A bundle id that any sandbox takes, for a server that has no app of its own yet. */
const EXAMPLE_TOPIC = 'com.example.companion';

/** The APNS_* settings with which a Holdfast server pushes to the sandbox. */
export function pushSettings({ host, port, providerKey, files, topic }: SettingsSource): Partial<Record<SettingName, string>> {
  return {
    ...(files === null ? {} : { APNS_KEY_PATH: files.key }),
    APNS_KEY_ID: providerKey.keyId,
    APNS_TEAM_ID: providerKey.teamId,
    APNS_TOPIC: topic ?? EXAMPLE_TOPIC,
    APNS_HOST: host,
    APNS_PORT: String(port),
    ...(files === null ? {} : { APNS_CA_PATH: files.ca }),
  };
}

/** What there is to say about a sandbox. */
export interface Introduced {
  url: string;
  controlUrl: string | null;
  files: CredentialFiles | null;
  settings: Partial<Record<SettingName, string>>;
}

const quoted = (value: string): string => (/^[\w./:@+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);

/** What the sandbox says when it is ready. `temporary`: its folder goes with it. */
export function introduction(sandbox: Introduced, temporary: boolean): string {
  const { url, controlUrl, files, settings } = sandbox;
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const script = JSON.stringify({ when: { nth: 1 }, then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: 5 } });
  return `
A push service that behaves as Apple documents its own.

  pushes   ${url}   (HTTP/2; provider tokens are checked)
  phones   ${controlUrl}   (open it in a browser)
  files    ${files?.folder}   ${temporary ? '(removed at the end; --folder PATH keeps them)' : '(kept)'}

A Holdfast server that is to push to it needs these settings:

${lines.join('\n')}

Other clients trust it with NODE_EXTRA_CA_CERTS=${quoted(files?.ca ?? '')}

Make something go wrong, here the next push:

curl -s ${controlUrl}/script -H 'Content-Type: application/json' -d '${script}'; echo

Ctrl-C ends it.
`;
}
