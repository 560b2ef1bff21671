import { readEnvironment } from '../../config/environment.ts';
import { loadSettings } from '../../config/settings.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { startServer } from '../../server/server.ts';
import { watchTurns } from '../../test/support/longest-turn.ts';

// The real server, which on SIGUSR2 prints the longest turn of its event loop since the last time, in milliseconds of CPU and of the clock
// on the wall: "Turn <cpu> <wall>". It collects no garbage for that: V8 throws away compiled code then, too, and would be slow afterwards.
const environment = readEnvironment();
const settings = loadSettings(environment);
const holdfast = await startServer({ settings, environment, logger: makeLogger('warn') });
const longestTurn = watchTurns();
process.on('SIGUSR2', () => {
  const { cpu, wall } = longestTurn();
  console.log(`Turn ${cpu.toFixed(1)} ${wall.toFixed(1)}`);
});
console.log(`Holdfast listens on ${holdfast.url}`);
