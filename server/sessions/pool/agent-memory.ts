/** Memory of an agent's live processes, each with its children, in MiB. */
export interface AgentMemory {
  processes: number;
  medianMb: number;
  largestMb: number;
}

/** What was measured of live sessions, by agent; an agent without a measured process has no entry. */
export function memoryByAgent(
  live: readonly { id: string; agent: string }[],
  measured: ReadonlyMap<string, { memoryMb: number }>,
): Map<string, AgentMemory> {
  const figures = new Map<string, number[]>();
  for (const { id, agent } of live) {
    const memoryMb = measured.get(id)?.memoryMb;
    if (memoryMb !== undefined) figures.set(agent, [...(figures.get(agent) ?? []), memoryMb]);
  }
  return new Map([...figures].map(([agent, all]) => [agent, summary(all)]));
}

function summary(figures: readonly number[]): AgentMemory {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
  return { processes: sorted.length, medianMb: rounded(median), largestMb: rounded(sorted.at(-1) ?? 0) };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
