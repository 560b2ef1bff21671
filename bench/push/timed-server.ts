import { watchTurns } from '../../test/support/longest-turn.ts';
import { serve } from '../../test/support/serve.ts';

// The real server, which on SIGUSR2 prints the longest turn of its event loop since the last time, in milliseconds of CPU and of the clock
// on the wall: "Turn <cpu> <wall>". It collects no garbage for that: V8 throws away compiled code then, too, and would be slow afterwards.
const longestTurn = watchTurns();
process.on('SIGUSR2', () => {
  const { cpu, wall } = longestTurn();
  console.log(`Turn ${cpu.toFixed(1)} ${wall.toFixed(1)}`);
});
await serve();
// Its start is none of the turns that are asked about.
longestTurn();
