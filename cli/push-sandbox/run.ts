import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, systemCode } from '../../server/platform/app-error.ts';
import { companionCategories } from './categories.ts';
import { readArguments, usage } from './arguments.ts';
import { startPushSandbox, type PushSandbox, type PushSandboxOptions } from './push-sandbox.ts';
import { introduction } from './settings-text.ts';

const PORT = 2197;
const CONTROL_PORT = 2198;

/** Starts it on the ports that were asked for, or on the usual ones, or on free ones. */
async function start(options: PushSandboxOptions): Promise<PushSandbox> {
  const usual = { port: PORT, controlPort: CONTROL_PORT, ...options };
  try {
    return await startPushSandbox(usual);
  } catch (error) {
    const asked = options.port !== undefined && options.controlPort !== undefined;
    if (systemCode(error) !== 'EADDRINUSE' || asked) throw error;
    return startPushSandbox({ port: 0, controlPort: 0, ...options });
  }
}

function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    // Once is not enough: npm hands on a Ctrl-C that the terminal has sent already.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
    // Whoever read our output is gone, such as `npm run push-sandbox | head`.
    process.stdout.on('error', () => resolve(''));
  });
}

/** Runs a sandbox until a signal; resolves to the exit code. */
export async function runPushSandbox(args: readonly string[]): Promise<number> {
  const asked = readArguments(args);
  if (asked.ask === 'help') {
    console.log(usage);
    return 0;
  }
  if (asked.ask === 'wrong') {
    console.error(`${asked.sentence}\n\n${usage}`);
    return 2;
  }
  const signal = untilSignal();
  const temporary = asked.options.folder === undefined;
  const folder = asked.options.folder ?? mkdtempSync(join(tmpdir(), 'holdfast-push-sandbox-'));
  try {
    const sandbox = await start({ categories: companionCategories, ...asked.options, folder, log: (text) => console.log(text) });
    console.log(introduction(sandbox, temporary));
    const name = await signal;
    if (name !== '') console.log(`\n${name}: ending.`);
    await sandbox.close();
    const { received, accepted } = sandbox.counts();
    if (name !== '') console.log(`Ended. ${received} pushes came, ${accepted} were accepted.`);
    return 0;
  } catch (error) {
    const taken = systemCode(error) === 'EADDRINUSE' ? ' Name another port, or 0 for a free one.' : '';
    console.error(`The push sandbox cannot run: ${messageOf(error)}.${taken}`);
    return 1;
  } finally {
    if (temporary) rmSync(folder, { recursive: true, force: true });
  }
}
