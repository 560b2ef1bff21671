import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/find-command.ts';
import { readArguments } from '../../cli/push-sandbox/arguments.ts';
import { eventually } from '../support/eventually.ts';

let temporary: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(temporary, { recursive: true });
});

/** `npm run push-sandbox` in a process of its own. */
function run(...args: string[]): { child: ChildProcess; exit: Promise<unknown>; printed: () => string } {
  const child = spawn(process.execPath, [join(packageRoot, 'cli/push-sandbox.ts'), ...args], {
    env: { PATH: process.env['PATH'], TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  return { child, exit: once(child, 'close').then(([code]: unknown[]) => code), printed: () => text };
}

const settingsIn = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/^export (APNS_\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]));

describe('npm run push-sandbox', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('[PSB22] says what a server needs, and a %s ends it and removes its folder', async (signal) => {
    const { child, exit, printed } = run('--port', '0', '--control-port', '0', '--topic', 'com.example.app');
    await eventually(() => printed().includes('Ctrl-C ends it.'));
    const settings = settingsIn(printed());
    expect(settings).toMatchObject({ APNS_HOST: '127.0.0.1', APNS_TOPIC: 'com.example.app' });
    expect(readFileSync(settings['APNS_KEY_PATH'] ?? '', 'utf8')).toContain('PRIVATE KEY');
    const ca = readFileSync(settings['APNS_CA_PATH'] ?? '', 'utf8');
    const session = connect(`https://127.0.0.1:${settings['APNS_PORT']}`, { ca });
    await once(session, 'connect');
    const rule = /^curl -s (\S+)\/script .* -d '(.+)'; echo$/m.exec(printed());
    const made = await fetch(`${rule?.[1]}/script`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: rule?.[2] ?? '',
    });
    expect(await made.json()).toEqual({ id: 1 });
    child.kill(signal);
    child.kill(signal);
    expect(await exit).toBe(0);
    expect(printed()).toContain('Ended. 0 pushes came');
    expect(readdirSync(temporary)).toEqual([]);
    session.destroy();
  });

  it('[PSB22] keeps what it is told to keep, and says whose port was taken', async () => {
    const folder = join(temporary, 'kept');
    const first = run('--port', '0', '--control-port', '0', '--folder', folder);
    await eventually(() => first.printed().includes('Ctrl-C ends it.'));
    const { APNS_PORT: port = '' } = settingsIn(first.printed());
    const second = run('--port', port, '--control-port', '0');
    expect(await second.exit).toBe(1);
    expect(second.printed()).toMatch(new RegExp(`cannot run: .*${port}.* Name another port`));
    first.child.kill('SIGINT');
    await first.exit;
    expect(existsSync(join(folder, 'ca.pem'))).toBe(true);
    expect(readdirSync(temporary)).toEqual(['kept']);
  });
});

describe('the command line', () => {
  it('[PSB22] is read whole', () => {
    const args = ['--port', '1', '--control-port=2', '--folder', 'f', '--topic', 'a.b', '--topic', 'c.d', '--category', 'ASK=Yes,No way'];
    expect(readArguments(args)).toEqual({
      ask: 'run',
      options: { port: 1, controlPort: 2, folder: 'f', topics: ['a.b', 'c.d'], categories: { ASK: ['Yes', 'No way'] } },
    });
    expect(readArguments([])).toEqual({ ask: 'run', options: { categories: {} } });
    expect(readArguments(['--help'])).toEqual({ ask: 'help' });
  });

  it.each([['--port', 'x'], ['--port', '70000'], ['--category', 'ASK'], ['--unknown'], ['word']])(
    '[PSB22] is refused with a sentence: %s',
    (...args) => {
      expect(readArguments(args)).toEqual({ ask: 'wrong', sentence: expect.any(String) });
    },
  );
});
