import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readEnvironment } from '../../config/environment.ts';
import { loadSettings } from '../../config/settings.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { startServer } from '../../server/server.ts';

// The real server, which measures the turns of its event loop. On SIGUSR2 it prints the longest one since the last time, in milliseconds
// of CPU and of the clock on the wall, and the MiB that are in use after a collection: "Turn <cpu> <wall> <MiB>". A machine that is
// busy with something else makes the second long, the first hardly.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const now = (): { cpu: number; wall: number } => {
  const { user, system } = process.threadCpuUsage();
  return { cpu: (user + system) / 1_000, wall: performance.now() };
};
let longest = { cpu: 0, wall: 0 };
let last = now();
const turn = (): void => {
  const { cpu, wall } = now();
  longest = { cpu: Math.max(longest.cpu, cpu - last.cpu), wall: Math.max(longest.wall, wall - last.wall) };
  last = { cpu, wall };
  setTimeout(() => setImmediate(turn), 0);
};
process.on('SIGUSR2', () => {
  const { cpu, wall } = longest;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  console.log(`Turn ${cpu.toFixed(1)} ${wall.toFixed(1)} ${Math.round((heapUsed + external) / 2 ** 20)}`);
  longest = { cpu: 0, wall: 0 };
  last = now();
});
const environment = readEnvironment();
const settings = loadSettings(environment);
const holdfast = await startServer({ settings, environment, logger: makeLogger('warn') });
turn();
console.log(`Holdfast listens on ${holdfast.url}`);
