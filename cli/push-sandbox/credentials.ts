import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeCertificates, type Certificates } from './certificates.ts';
import { makeProviderKey, type ProviderKey } from './provider-key.ts';

/** Everything secret or trusted that a sandbox has. */
export interface Credentials {
  certificates: Certificates;
  providerKey: ProviderKey;
}

/** Where they lie, for settings of a Holdfast server. */
export interface CredentialFiles {
  folder: string;
  ca: string;
  key: string;
}

const DAY_MS = 86_400_000;

const Kept = z.object({ keyId: z.string().regex(/^\w+$/), teamId: z.string() });

const pathsIn = (folder: string) => ({
  ca: join(folder, 'ca.pem'),
  certificate: join(folder, 'server.pem'),
  serverKey: join(folder, 'server-key.pem'),
  ids: join(folder, 'sandbox.json'),
  p8: (keyId: string) => join(folder, `AuthKey_${keyId}.p8`),
});

/** New ones; `now` is the machine's own time, by which clients judge certificates. */
export function makeCredentials(now: number, ids: { keyId?: string; teamId?: string } = {}): Credentials {
  return { certificates: makeCertificates(now), providerKey: makeProviderKey(ids) };
}

/** Those that an earlier sandbox left in a folder; null where they are missing, not whole, or about to expire. */
export function loadCredentials(folder: string, now: number): Credentials | null {
  const paths = pathsIn(folder);
  const read = (path: string): string => readFileSync(path, 'utf8');
  try {
    const { keyId, teamId } = Kept.parse(JSON.parse(read(paths.ids)));
    const certificates = { ca: read(paths.ca), certificate: read(paths.certificate), key: read(paths.serverKey) };
    if (new X509Certificate(certificates.certificate).validToDate.getTime() < now + DAY_MS) return null;
    return { certificates, providerKey: { p8: read(paths.p8(keyId)), keyId, teamId } };
  } catch {
    return null;
  }
}

/** Writes them, for their owner's eyes only. A folder that is made is so too; one that was there is left as it is. */
export function saveCredentials(folder: string, { certificates, providerKey }: Credentials): CredentialFiles {
  const paths = pathsIn(folder);
  const { keyId, teamId } = providerKey;
  const write = (path: string, text: string): void => {
    // Not written into what may be there: its permissions, or where it points to, are not ours.
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
  };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  write(paths.ca, certificates.ca);
  write(paths.certificate, certificates.certificate);
  write(paths.serverKey, certificates.key);
  write(paths.p8(keyId), providerKey.p8);
  write(paths.ids, `${JSON.stringify({ keyId, teamId })}\n`);
  return filesIn(folder, providerKey);
}

/** The files that settings name. */
export function filesIn(folder: string, { keyId }: ProviderKey): CredentialFiles {
  const paths = pathsIn(folder);
  return { folder, ca: paths.ca, key: paths.p8(keyId) };
}
