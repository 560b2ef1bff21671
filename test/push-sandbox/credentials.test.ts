import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSettings } from '../../config/settings.ts';
import { makeCertificates } from '../../cli/push-sandbox/certificates.ts';
import { startPushSandbox, type PushSandbox, type PushSandboxOptions } from '../../cli/push-sandbox/push-sandbox.ts';
import { Provider, providerToken } from './provider.ts';

const DAY = 86_400_000;

let folder: string;
const running: PushSandbox[] = [];
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'holdfast-test-')), 'sandbox');
});
afterEach(async () => {
  for (const sandbox of running.splice(0)) await sandbox.close();
  rmSync(join(folder, '..'), { recursive: true });
});

async function start(options: PushSandboxOptions = {}): Promise<PushSandbox> {
  const sandbox = await startPushSandbox({ folder, ...options });
  running.push(sandbox);
  return sandbox;
}

const permissions = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('certificates', () => {
  it("[PSB1] say that the server is this machine's loopback, by an authority that may do nothing else", () => {
    const { ca, certificate } = makeCertificates(Date.now());
    const [authority, server] = [new X509Certificate(ca), new X509Certificate(certificate)];
    expect(authority.ca && authority.verify(authority.publicKey)).toBe(true);
    expect(server.checkIssued(authority) && server.verify(authority.publicKey)).toBe(true);
    expect(server.ca).toBe(false);
    expect([server.checkIP('127.0.0.1'), server.checkIP('::1'), server.checkHost('localhost')]).not.toContain(undefined);
    expect([server.checkIP('127.0.0.2'), server.checkHost('push.apple.com')]).toEqual([undefined, undefined]);
    expect(server.validFromDate.getTime()).toBeLessThan(Date.now());
    expect(server.validToDate.getTime()).toBeGreaterThan(Date.now() + 300 * DAY);
    expect(makeCertificates(Date.now()).ca).not.toBe(ca);
  });

  it('[PSB1] are trusted through NODE_EXTRA_CA_CERTS, by address and by name', async () => {
    const { files, port } = await start();
    const program = `
      import { connect } from 'node:http2';
      for (const host of ['127.0.0.1', 'localhost']) {
        const session = connect('https://' + host + ':${port}');
        await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject));
        console.log(host, session.socket.authorized);
        session.destroy();
      }`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: files?.ca },
    });
    expect(stdout.trim().split('\n')).toEqual(['127.0.0.1 true', 'localhost true']);
  });
});

describe('the folder', () => {
  it('[PSB2] is for its owner only, and the key of the authority is not in it', async () => {
    const { files, ca, key, keyId } = await start();
    expect(permissions(folder)).toBe('700');
    const names = readdirSync(folder).sort();
    expect(names).toEqual([`AuthKey_${keyId}.p8`, 'ca.pem', 'sandbox.json', 'server-key.pem', 'server.pem']);
    expect(names.map((name) => permissions(join(folder, name)))).toEqual(Array(5).fill('600'));
    expect([readFileSync(files?.ca ?? '', 'utf8'), readFileSync(files?.key ?? '', 'utf8')]).toEqual([ca, key]);
    const authority = new X509Certificate(ca);
    const keys = names.filter((name) => /key/i.test(name)).map((name) => readFileSync(join(folder, name), 'utf8'));
    const { createPrivateKey } = await import('node:crypto');
    expect(keys.map((pem) => authority.checkPrivateKey(createPrivateKey(pem)))).toEqual([false, false]);
  });

  it('[PSB2] is taken up by the next sandbox: neither its client nor its settings notice', async () => {
    const first = await start();
    const { port, settings } = first;
    await first.close();
    const second = await start({ port });
    expect(second.settings).toEqual(settings);
    const provider = new Provider({ ...second, ca: first.ca }, providerToken(first, Date.now()));
    expect(await provider.push()).toMatchObject({ status: 200 });
    provider.close();
  });

  it('[PSB2] is made anew where it is not whole or has expired', async () => {
    const { ca, keyId } = await start();
    writeFileSync(join(folder, 'server.pem'), makeCertificates(Date.now() - 365 * DAY).certificate);
    const second = await start();
    expect(second.ca).not.toBe(ca);
    rmSync(join(folder, `AuthKey_${second.keyId}.p8`));
    const third = await start();
    expect([keyId, second.keyId]).not.toContain(third.keyId);
    expect(permissions(join(folder, 'server.pem'))).toBe('600');
  });

  it('[PSB2] is not needed', async () => {
    const sandbox = await startPushSandbox();
    running.push(sandbox);
    expect(sandbox.files).toBeNull();
    expect(sandbox.settings).not.toHaveProperty('APNS_CA_PATH');
  });
});

describe('the settings', () => {
  it('[PSB22] are what a Holdfast server takes', async () => {
    const sandbox = await start({ topics: ['com.example.app'], keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
    const loaded = loadSettings({ ...sandbox.settings, HOME: folder });
    expect(Object.keys(sandbox.settings).sort()).toEqual([
      'APNS_CA_PATH',
      'APNS_HOST',
      'APNS_KEY_ID',
      'APNS_KEY_PATH',
      'APNS_PORT',
      'APNS_TEAM_ID',
      'APNS_TOPIC',
    ]);
    expect(loaded).toMatchObject({
      apnsKeyPath: join(folder, 'AuthKey_ABC123DEFG.p8'),
      apnsKeyId: 'ABC123DEFG',
      apnsTeamId: 'TEAM123456',
      apnsTopic: 'com.example.app',
      apnsHost: '127.0.0.1',
      apnsPort: sandbox.port,
      apnsCaPath: join(folder, 'ca.pem'),
    });
  });
});
