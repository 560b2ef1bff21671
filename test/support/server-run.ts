import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../config/find-command.ts';
import { TOKEN } from './holdfast.ts';
import { programEnv } from './program-env.ts';

/** Runs a server that is expected to end by itself; gives its exit code and everything that it printed. Ends it after 30 s. */
export function runServer(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(packageRoot, 'server/main.ts')], {
    env: { ...programEnv, PORT: '0', AUTH_TOKEN: TOKEN, DEFAULT_AGENT: 'echo', ...env },
    cwd: env['HOME'],
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  let output = '';
  const read = (bytes: Buffer): void => void (output += bytes.toString());
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
