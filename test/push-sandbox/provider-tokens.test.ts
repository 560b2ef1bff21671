import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPushSandbox, type PushSandbox, type PushSandboxOptions } from '../../cli/push-sandbox/push-sandbox.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Provider, providerToken, type TokenParts } from './provider.ts';

const MINUTE = 60_000;

let clock: FakeClock;
let sandbox: PushSandbox;
let provider: Provider;

async function start(options: PushSandboxOptions = {}): Promise<void> {
  clock = new FakeClock();
  sandbox = await startPushSandbox({ clock, ...options });
  provider = new Provider(sandbox, undefined);
}

beforeEach(() => start());
afterEach(async () => {
  provider.close();
  await sandbox.close();
});

/** Pushes with a token of its own, issued so many minutes ago. */
async function pushWith(minutesAgo: number, parts: TokenParts = {}, by = provider): Promise<string> {
  by.authorization = `bearer ${providerToken(sandbox, clock.now() - minutesAgo * MINUTE, parts)}`;
  const { status, reason } = await by.push();
  return reason ?? String(status);
}

describe('a provider token', () => {
  it('[PSB5] is needed', async () => {
    expect(await provider.push()).toMatchObject({ status: 403, reason: 'MissingProviderToken' });
    provider.authorization = 'Basic abc';
    expect(await provider.push()).toMatchObject({ status: 403, reason: 'MissingProviderToken' });
  });

  it.each<[string, TokenParts]>([
    [
      'of another key',
      { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
    ],
    ['of an unknown key id', { header: { kid: 'ABCDE12345' } }],
    ['of another team', { claims: { iss: 'ABCDE12345' } }],
    ['without a key id', { header: { kid: undefined } }],
    ['without a signature', { header: { alg: 'none' } }],
    ['of another algorithm', { header: { alg: 'HS256' } }],
    ['without a time', { claims: { iat: undefined } }],
    ['of the far future', { claims: { iat: 9_999_999_999 } }],
  ])('[PSB5] %s is InvalidProviderToken', async (_what, parts) => {
    expect(await pushWith(0, parts)).toBe('InvalidProviderToken');
  });

  it.each(['x', 'a.b', 'a.b.c', 'a.b.c.d', '..'])('[PSB5] %s is InvalidProviderToken', async (text) => {
    provider.authorization = `bearer ${text}`;
    expect(await provider.push()).toMatchObject({ status: 403, reason: 'InvalidProviderToken' });
  });

  it('[PSB5] whose claims were changed behind its signature is InvalidProviderToken', async () => {
    const [head, , signature] = providerToken(sandbox, clock.now()).split('.');
    const body = Buffer.from(JSON.stringify({ iss: sandbox.teamId, iat: Math.floor(clock.now() / 1000) - 1 })).toString('base64url');
    provider.authorization = `bearer ${head}.${body}.${signature}`;
    expect(await provider.push()).toMatchObject({ status: 403, reason: 'InvalidProviderToken' });
  });

  it('[PSB5] is good for 60 minutes, and ExpiredProviderToken then', async () => {
    expect(await pushWith(0)).toBe('200');
    clock.advance(60 * MINUTE);
    expect(await provider.push()).toMatchObject({ status: 200 });
    clock.advance(1000);
    expect(await provider.push()).toMatchObject({ status: 403, reason: 'ExpiredProviderToken' });
    expect(await pushWith(0)).toBe('200');
  });
});

describe('changing the provider token', () => {
  it('[PSB6] once in 20 minutes is right, more often is TooManyProviderTokenUpdates', async () => {
    expect(await pushWith(55)).toBe('200');
    expect(await pushWith(0)).toBe('200');
    clock.advance(19 * MINUTE);
    expect(await pushWith(0)).toBe('TooManyProviderTokenUpdates');
    expect(sandbox.pushes().at(-1)?.outcome).toMatchObject({ status: 429 });
    clock.advance(MINUTE);
    expect(await pushWith(0)).toBe('200');
  });

  it('[PSB6] a token for each push is found out at the third', async () => {
    expect([await pushWith(0.1), await pushWith(0.2), await pushWith(0.3)]).toEqual(['200', '200', 'TooManyProviderTokenUpdates']);
  });

  it('[PSB6] goes on with the token from before after a 429', async () => {
    await pushWith(3);
    await pushWith(2);
    const good = provider.authorization;
    expect(await pushWith(1)).toBe('TooManyProviderTokenUpdates');
    provider.authorization = good;
    expect(await provider.push()).toMatchObject({ status: 200 });
  });

  it('[PSB6] a token that is refused changes nothing', async () => {
    await pushWith(3);
    expect(await pushWith(0, { claims: { iss: 'ABCDE12345' } })).toBe('InvalidProviderToken');
    expect(await pushWith(2)).toBe('200');
  });

  it('[PSB6] another connection has its own 20 minutes, unless they are counted for the team', async () => {
    const outcomes = async (): Promise<string[]> => {
      const second = new Provider(sandbox, undefined);
      try {
        return [await pushWith(4), await pushWith(3), await pushWith(2, {}, second)];
      } finally {
        second.close();
      }
    };
    expect(await outcomes()).toEqual(['200', '200', '200']);
    provider.close();
    await sandbox.close();
    await start({ tokenUpdates: 'team' });
    expect(await outcomes()).toEqual(['200', '200', 'TooManyProviderTokenUpdates']);
  });

  it('[PSB14] is seen in the records, by a name that is no secret', async () => {
    await pushWith(3);
    await pushWith(3);
    await pushWith(2);
    const ids = sandbox.pushes().map((push) => push.providerToken);
    expect(new Set(ids).size).toBe(3);
    expect(JSON.stringify(sandbox.pushes())).not.toContain(provider.authorization?.slice(7));
    await provider.push();
    expect(sandbox.pushes().at(-1)?.providerToken).toBe(ids[2]);
  });
});
