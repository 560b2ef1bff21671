import { collectGarbage } from './garbage.ts';
import { watchTurns } from './longest-turn.ts';
import { serve } from './serve.ts';

// The real server, which measures the turns of its event loop. On SIGUSR2 it prints the longest one since the last time, in milliseconds
// of CPU and of the clock on the wall, and the MiB that are in use after a collection: "Turn <cpu> <wall> <MiB>". A machine that is
// busy with something else makes the second long, the first hardly.
const longestTurn = watchTurns();
process.on('SIGUSR2', () => {
  const { cpu, wall } = longestTurn();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  console.log(`Turn ${cpu.toFixed(1)} ${wall.toFixed(1)} ${Math.round((heapUsed + external) / 2 ** 20)}`);
  // The collection is none of the server's turns.
  longestTurn();
});
await serve();
// Its start is none of the turns that are asked about.
longestTurn();
