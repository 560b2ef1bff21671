import type { ExitReason } from '../../contracts/events.ts';

/** Limits of one session's process tree. */
export interface ResourceLimits {
  /** MiB of resident memory. */
  memoryMb: number;
  /** Percent of one core. */
  cpuPercent: number;
}

/** How many checks in a row make a CPU figure sustained. */
export const SUSTAINED_CHECKS = 3;
const WARN_AT = 0.8;

/** What the monitor remembers of a session from check to check. */
export interface Watched {
  /** Checks in a row above 80 % and above 100 % of the CPU limit. */
  cpuHigh: number;
  cpuOver: number;
  /** What was warned about and has not gone down since. */
  warned: readonly ('memory' | 'cpu')[];
}
export const unwatched: Watched = { cpuHigh: 0, cpuOver: 0, warned: [] };

/** What a check asks for: warnings to log, and an end with its reason. */
export interface Judgement {
  next: Watched;
  warnings: { what: 'memory' | 'cpu'; used: number; limit: number }[];
  end: Extract<ExitReason, 'memory-limit' | 'cpu-limit'> | null;
}

/** Judges one measurement in steps: a warning at 80 %, the end at 100 %. CPU counts only when it is sustained. */
export function judge(before: Watched, used: { memoryMb: number; cpuPercent: number }, limits: ResourceLimits): Judgement {
  const cpuHigh = used.cpuPercent >= limits.cpuPercent * WARN_AT ? before.cpuHigh + 1 : 0;
  const cpuOver = used.cpuPercent >= limits.cpuPercent ? before.cpuOver + 1 : 0;
  const memoryHigh = used.memoryMb >= limits.memoryMb * WARN_AT;
  const high = [...(memoryHigh ? ['memory' as const] : []), ...(cpuHigh >= SUSTAINED_CHECKS ? ['cpu' as const] : [])];
  const warnings = high
    .filter((what) => !before.warned.includes(what))
    .map((what) => ({
      what,
      used: Math.round(what === 'memory' ? used.memoryMb : used.cpuPercent),
      limit: what === 'memory' ? limits.memoryMb : limits.cpuPercent,
    }));
  const next = { cpuHigh, cpuOver, warned: high };
  if (used.memoryMb >= limits.memoryMb) return { next, warnings, end: 'memory-limit' };
  return { next, warnings, end: cpuOver >= SUSTAINED_CHECKS * 2 ? 'cpu-limit' : null };
}

/** Times of a session's day, in monotonic milliseconds. */
export interface DayInputs {
  idleMs: number;
  warnAfterMs: number;
  expireAfterMs: number;
  warned: boolean;
  /** Nothing is running: it is ready, waits for its owner, or is paused. */
  quiet: boolean;
}

/** What the clock asks for. A turn that runs keeps its session alive. */
export function judgeDay(day: DayInputs): 'expire' | 'warn' | 'nothing' {
  if (!day.quiet) return 'nothing';
  if (day.idleMs >= day.expireAfterMs) return 'expire';
  return day.idleMs >= day.warnAfterMs && !day.warned ? 'warn' : 'nothing';
}

/** What is asked of a session where all together use too much. `wantedAt`: when somebody last wanted it. */
export interface Consumer {
  idle: boolean;
  wantedAt: number;
  memoryMb: number;
}

/** Who ends first: the least recently used idle one, else the largest. */
export function firstToGo<T extends Consumer>(staying: readonly T[]): T | undefined {
  const idle = staying.filter((consumer) => consumer.idle).sort((a, b) => a.wantedAt - b.wantedAt);
  return idle[0] ?? [...staying].sort((a, b) => b.memoryMb - a.memoryMb)[0];
}

/** What was seen of a turn that says nothing. */
export interface StallEvidence {
  silentMs: number;
  cpuPercent: number;
  openTools: number;
  openRequests: number;
  /** Connections to a model service or the like; null where that can't be seen. */
  connections: number | null;
}

export type StallVerdict = 'waiting-for-user' | 'running-tool' | 'waiting-for-api' | 'dead';

/** Why a turn is silent. Only without any sign of life it is dead. */
export function judgeStall(evidence: StallEvidence): StallVerdict {
  if (evidence.openRequests > 0) return 'waiting-for-user';
  if (evidence.openTools > 0) return 'running-tool';
  // Where connections can't be seen, the doubt speaks for the agent.
  if (evidence.connections === null || evidence.connections > 0) return 'waiting-for-api';
  return evidence.cpuPercent >= 1 ? 'running-tool' : 'dead';
}
