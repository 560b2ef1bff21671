import { describe, expect, it } from 'vitest';
import { maskSecrets } from '../../server/push/rules/mask.ts';

// Put together here, so that no scanner takes this file for a leak.
const a = (length: number): string => 'aB3dE5gH7jK9mN1pQ'.repeat(20).slice(0, length);

const secrets: [string, string][] = [
  ['an Anthropic key', `sk-ant-${a(40)}`],
  ['an OpenAI key', `sk-proj-${a(40)}`],
  ['a GitHub token', `ghp_${a(36)}`],
  ['a fine-grained GitHub token', `github_pat_${a(50)}`],
  ['a GitLab token', `glpat-${a(20)}`],
  ['a Slack token', `xoxb-${a(24)}`],
  ['an AWS key id', `AKIA${'ABCDEFGH12345678'}`],
  ['a Google key', `AIza${a(35)}`],
  ['an npm token', `npm_${a(36)}`],
  ['a Stripe key', `sk_live_${a(24)}`],
  ['a JSON web token', `eyJ${a(20)}.${a(30)}.${a(30)}`],
];

describe('secrets in texts that leave', () => {
  it.each(secrets)('[PU30] masks %s wherever it stands', (_, secret) => {
    for (const text of [secret, `use ${secret} for it`, `("${secret}")`, `KEY=${secret}`, `a\n${secret}\nb`]) {
      expect(maskSecrets(text)).not.toContain(secret);
      expect(maskSecrets(text)).toContain('[masked]');
    }
  });

  it.each([
    ['Authorization: Bearer abcdefghijkl', 'abcdefghijkl'],
    ['curl -H "authorization: basic dXNlcjpwYXNz"', 'dXNlcjpwYXNz'],
    ['postgres://app:hunter2hunter2@db:5432/x', 'hunter2hunter2'],
    ['https://me:p4ss-w0rd!@example.com/a', 'p4ss-w0rd!'],
    ['DB_PASSWORD=correct-horse', 'correct-horse'],
    ["export API_KEY='abc def ghi'", 'abc def ghi'],
    ['{"clientSecret": "abc\\ndef"}', 'abc'],
    ['password: hunter22', 'hunter22'],
    ['login --token abcdef123', 'abcdef123'],
    ['aws_secret_access_key = wJalrXUtnFEMI', 'wJalrXUtnFEMI'],
    ['apiKey := "zzzzzz"', 'zzzzzz'],
    ['DATABASE_URL=postgres://x', 'postgres'],
  ])('[PU31] masks the value in %s', (text, secret) => {
    expect(maskSecrets(text)).not.toContain(secret);
  });

  it('[PU32] masks a private key from its beginning to its end, or to the end of the text where it was cut off', () => {
    const begin = `-----BEGIN ${'EC PRIVATE'} KEY-----`;
    const end = `-----END ${'EC PRIVATE'} KEY-----`;
    expect(maskSecrets(`before ${begin}\n${a(200)}\n${end} after`)).toBe('before [masked] after');
    expect(maskSecrets(`before ${begin}\n${a(200)}`)).toBe('before [masked]');
    expect(maskSecrets(`${begin}x${end} and ${begin}y${end}`)).toBe('[masked] and [masked]');
  });

  it.each([
    'The token is checked in auth.ts, see tokenCheck().',
    'max_tokens: 4096, tokens=500',
    'API_KEY=$API_KEY and token: process.env.TOKEN',
    'See https://example.com/a?b=c and user@example.com at 10:30',
    'const password = null; secret = true',
    'It costs $5: no secrets here.',
    'ratio: 3:4, time=12:30, key: value',
    '/projects/one 3f2a9c1e-0000-4000-8000-123456789abc',
    '😀 Ünïcödé',
  ])('[PU33] leaves alone: %s', (text) => {
    expect(maskSecrets(text)).toBe(text);
  });

  it('[PU33] masks nothing twice: what was masked stays as it is', () => {
    for (const [, secret] of secrets) {
      const once = maskSecrets(`TOKEN=${secret} Bearer ${secret}`);
      expect(maskSecrets(once)).toBe(once);
    }
  });

  it.each([
    ['a', 1],
    ['A_', 1],
    ['sk-', 1],
    ['://a:', 1],
    ['eyJaaaaaaaa.', 1],
    ['password', 1],
    ['password=', 1],
    ['--token ', 1],
    ['-----BEGIN PRIVATE KEY-----', 1],
    ['bearer ', 1],
    ['"', 1],
    [' ', 1],
    ['x=', 1],
    ['a.b-', 1],
    ['ghp_', 1],
    ['SG.aaaaaaaaaaaaaaaa', 1],
  ])('[PU34] takes time in proportion to the text: a million characters of %j', (part) => {
    const time = (length: number): number => {
      const text = part.repeat(Math.ceil(length / part.length));
      const startedAt = process.cpuUsage();
      maskSecrets(text);
      const { user, system } = process.cpuUsage(startedAt);
      return (user + system) / 1_000;
    };
    time(10_000);
    expect(time(1_000_000)).toBeLessThan(1_500);
  });
});
