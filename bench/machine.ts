import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem, type as system, release } from 'node:os';
import { agentEntry } from '../config/agents.ts';
import { findCommand } from '../config/find-command.ts';
import { packageVersion } from '../config/package-version.ts';

/** What the figures were measured on: they mean nothing without it. */
export interface Machine {
  at: string;
  holdfast: string;
  node: string;
  claude: string;
  system: string;
  cpu: string;
  cores: number;
  memoryGiB: number;
  /** Of the last minute, before the first measure: above zero, others were at work too. */
  load: number;
}

export function thisMachine(): Machine {
  const processors = cpus();
  return {
    at: new Date().toISOString(),
    holdfast: packageVersion,
    node: process.version,
    claude: claudeVersion(),
    system: `${system()} ${release()}`,
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0] ?? 0,
  };
}

function claudeVersion(): string {
  const entry = agentEntry('claude');
  const command = entry && findCommand(entry, {}, process.env);
  return command ? execFileSync(command, ['--version'], { encoding: 'utf8', timeout: 30_000 }).trim() : 'not installed';
}

/** One sentence. */
export function machineSentence(machine: Machine): string {
  const { at, holdfast, node, claude, cpu, cores, memoryGiB, load } = machine;
  return `Holdfast ${holdfast}, Node ${node}, Claude CLI ${claude}, ${machine.system}, ${cores} cores (${cpu}), ${memoryGiB} GiB, load ${load.toFixed(2)}, ${at}.`;
}
