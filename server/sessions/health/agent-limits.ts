import type { Judgement, ResourceLimits } from './health-rules.ts';

/** What an agent's processes may use, and what says so. */
export interface AgentLimits extends ResourceLimits {
  memorySetBy: string;
  cpuSetBy: string;
}

/** The limits of an agent's processes: its own of the catalogue, else those of the settings. */
export function agentLimits(agent: string, own: Partial<ResourceLimits>, general: ResourceLimits): AgentLimits {
  const catalogue = `the limit of ${agent}`;
  return {
    memoryMb: own.memoryMb ?? general.memoryMb,
    cpuPercent: own.cpuPercent ?? general.cpuPercent,
    memorySetBy: own.memoryMb === undefined ? 'MAX_MEMORY_PER_SESSION_MB' : catalogue,
    cpuSetBy: own.cpuPercent === undefined ? 'CPU_USAGE_LIMIT_PERCENT' : catalogue,
  };
}

/** Why a process was ended, as a sentence. */
export function limitDetail(end: Judgement['end'] & string, used: { memoryMb: number; cpuPercent: number }, limits: AgentLimits): string {
  const figures =
    end === 'memory-limit'
      ? `${Math.round(used.memoryMb)} MB of ${limits.memoryMb} MB (${limits.memorySetBy})`
      : `${Math.round(used.cpuPercent)} % CPU for several checks; ${limits.cpuPercent} % are allowed (${limits.cpuSetBy})`;
  return `The agent and its children used ${figures}; the process was ended.`;
}
