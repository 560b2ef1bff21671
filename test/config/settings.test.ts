import { describe, expect, it } from 'vitest';
import type { Machine } from '../../config/machine.ts';
import { loadSettings } from '../../config/settings.ts';
import { settingNames } from '../../config/settings-table.ts';
import { refusal } from '../contracts/refusal.ts';

const machine: Machine = { home: '/home/me', cwd: '/srv', hostname: 'Desk', addresses: ['192.0.2.7', 'fe80::1%eth0'] };
const load = (env: Record<string, string>) => loadSettings(env, machine);

describe('settings', () => {
  it('[SET1] nothing needs to be set', () => {
    expect(load({})).toMatchObject({
      port: 3001,
      host: '127.0.0.1',
      dataDir: '/home/me/.holdfast',
      projectRoots: ['/home/me'],
      maxConcurrentSessions: 10,
      sessionTimeoutHours: 24,
      sessionWarningHours: 20,
      permissionMode: 'ask',
      defaultAgent: 'claude',
      apnsProduction: false,
      agentEnv: [],
      allowedOrigins: [],
      warnings: [],
    });
    expect(load({}).authToken).toBeUndefined();
  });

  it('[SET1] an empty variable is one that is not set', () => {
    expect(load(Object.fromEntries(settingNames.map((name) => [name, ' '])))).toEqual(load({}));
  });

  it.each([
    ['PORT', '5x'],
    ['PORT', '65536'],
    ['PORT', '3001.5'],
    ['MAX_CONCURRENT_SESSIONS', '0'],
    ['MAX_CONCURRENT_SESSIONS', '1.5'],
    ['SESSION_TIMEOUT_HOURS', '-1'],
    ['SESSION_TIMEOUT_HOURS', 'Infinity'],
    ['PERMISSION_MODE', 'yolo'],
    ['DEFAULT_AGENT', 'nobody'],
    ['LOG_LEVEL', 'loud'],
    ['APNS_PRODUCTION', 'yes'],
    ['DATABASE_SYNC', 'OFF'],
    ['ALLOWED_ORIGINS', 'example.com'],
    ['ALLOWED_HOSTS', 'http://x'],
    ['AGENT_ENV', 'A-B'],
    ['PROJECT_ROOTS', ':'],
  ])('[SET2] %s=%s is refused with a sentence that names it', (name, value) => {
    expect(refusal(() => load({ [name]: value }))).toMatchObject({
      code: 'bad-setting',
      message: expect.stringMatching(`^${name} must .+\\.$`),
    });
  });

  it('[SET2] every wrong one is named at once, and a secret is not repeated', () => {
    const error = refusal(() => load({ PORT: 'x', AUTH_TOKEN: 'too short', HEALTH_CHECK_INTERVAL_SECONDS: 'x' }));
    expect(error.message).toMatch(/PORT .*AUTH_TOKEN .*HEALTH_CHECK_INTERVAL_SECONDS/);
    expect(error.message).not.toContain('too short');
  });

  it('[SET2] settings that contradict each other are refused', () => {
    expect(refusal(() => load({ SESSION_TIMEOUT_HOURS: '1', SESSION_WARNING_HOURS: '2' })).message).toContain('SESSION_WARNING_HOURS');
    expect(refusal(() => load({ TLS_CERT_PATH: '/c' })).message).toContain('TLS_KEY_PATH');
  });

  it('[SET3] a day can be tried in a minute: fractions are allowed, and the warning comes before the end', () => {
    const settings = load({ SESSION_TIMEOUT_HOURS: '0.012', HEALTH_CHECK_INTERVAL_SECONDS: '.5' });
    expect(settings.sessionTimeoutHours).toBe(0.012);
    expect(settings.sessionWarningHours).toBeCloseTo(0.01);
    expect(settings.healthCheckIntervalSeconds).toBe(0.5);
  });

  it('[SET3] an approval expires before its process does, unless it is said otherwise', () => {
    expect(load({}).approvalTimeoutMinutes).toBe(1380);
    expect(load({ SESSION_TIMEOUT_HOURS: '0.012' }).approvalTimeoutMinutes).toBeCloseTo(0.69);
    expect(load({ APPROVAL_TIMEOUT_MINUTES: '0' }).approvalTimeoutMinutes).toBe(0);
    expect(() => load({ APPROVAL_TIMEOUT_MINUTES: '28801' })).toThrow('APPROVAL_TIMEOUT_MINUTES');
  });

  it('[SET4] ~ is the home folder, and other relative paths are relative to the working directory', () => {
    const settings = load({ DATA_DIR: 'data', PROJECT_ROOTS: '~/a:/b:~', CLAUDE_COMMAND: '~/bin/claude', CODEX_COMMAND: 'codex-next' });
    expect(settings).toMatchObject({
      dataDir: '/srv/data',
      projectRoots: ['/home/me/a', '/b', '/home/me'],
      claudeCommand: '/home/me/bin/claude',
      codexCommand: 'codex-next',
    });
  });

  it('[SET5] the Host allow-list has loopback, HOST and ALLOWED_HOSTS', () => {
    expect(load({ HOST: '192.0.2.7', ALLOWED_HOSTS: 'Desk.local, [::2]' }).allowedHosts).toEqual([
      'localhost',
      '127.0.0.1',
      '::1',
      '192.0.2.7',
      'desk.local',
      '::2',
    ]);
    expect(load({ HOST: '0.0.0.0' }).allowedHosts).toEqual(['localhost', '127.0.0.1', '::1', 'desk', '192.0.2.7', 'fe80::1']);
  });

  it('[SET6] what is allowed but hardly meant is a warning', () => {
    expect(load({ HOST: '0.0.0.0' }).warnings).toEqual([expect.stringContaining('TLS')]);
    expect(load({ HOST: '0.0.0.0', TLS_CERT_PATH: '/c', TLS_KEY_PATH: '/k' }).warnings).toEqual([]);
    expect(load({ AGENT_ENV: 'AUTH_TOKEN MY_VAR' }).warnings).toEqual([expect.stringContaining('AUTH_TOKEN')]);
    expect(load({ DATABASE_KEY: 'a-key-that-is-long-enough' }).warnings).toEqual([expect.stringContaining('DATABASE_KEY')]);
  });

  it('[SET1] settings are frozen', () => {
    expect(Object.isFrozen(load({}))).toBe(true);
  });
});
