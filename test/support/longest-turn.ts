/** The longest turn of this process's event loop, in milliseconds: CPU of its thread, and the clock on the wall. */
export interface LongestTurn {
  cpu: number;
  wall: number;
}

/** Measures every turn from now on; what it returns gives the longest one since it was last called. */
export function watchTurns(): () => LongestTurn {
  let longest: LongestTurn = { cpu: 0, wall: 0 };
  let last = now();
  const turn = (): void => {
    const { cpu, wall } = now();
    longest = { cpu: Math.max(longest.cpu, cpu - last.cpu), wall: Math.max(longest.wall, wall - last.wall) };
    last = { cpu, wall };
    setTimeout(() => setImmediate(turn), 0);
  };
  turn();
  return () => {
    const seen = longest;
    longest = { cpu: 0, wall: 0 };
    last = now();
    return seen;
  };
}

function now(): LongestTurn {
  const { user, system } = process.threadCpuUsage();
  return { cpu: (user + system) / 1_000, wall: performance.now() };
}
