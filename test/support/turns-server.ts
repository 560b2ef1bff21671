import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readEnvironment } from '../../config/environment.ts';
import { loadSettings } from '../../config/settings.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { startServer } from '../../server/server.ts';
import { watchTurns } from './longest-turn.ts';

// The real server, which measures the turns of its event loop. On SIGUSR2 it prints the longest one since the last time, in milliseconds
// of CPU and of the clock on the wall, and the MiB that are in use after a collection: "Turn <cpu> <wall> <MiB>". A machine that is
// busy with something else makes the second long, the first hardly.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const environment = readEnvironment();
const settings = loadSettings(environment);
const holdfast = await startServer({ settings, environment, logger: makeLogger('warn') });
const longestTurn = watchTurns();
process.on('SIGUSR2', () => {
  const { cpu, wall } = longestTurn();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  console.log(`Turn ${cpu.toFixed(1)} ${wall.toFixed(1)} ${Math.round((heapUsed + external) / 2 ** 20)}`);
  // The collection is none of the server's turns.
  longestTurn();
});
console.log(`Holdfast listens on ${holdfast.url}`);
