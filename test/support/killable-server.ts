import { readEnvironment } from '../../config/environment.ts';
import { loadSettings } from '../../config/settings.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { startServer } from '../../server/server.ts';

// The real server, which kills itself (kill -9) when a step has been taken for the nth time: KILL_AT=<step>:<n>.
const environment = readEnvironment();
const [step, count] = (environment['KILL_AT'] ?? ':0').split(':');
let left = Number(count);
const probe = (taken: string): void => {
  if (taken !== step) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
};
const settings = loadSettings(environment);
const holdfast = await startServer({ settings, environment, logger: makeLogger('warn'), probe });
console.log(`Holdfast listens on ${holdfast.url}`);
