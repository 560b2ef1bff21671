import os from 'node:os';
import type { Place } from './setting-kinds.ts';

/** What settings depend on beside the environment. */
export interface Machine extends Place {
  hostname: string;
  addresses: string[];
}

/** This machine, as the environment and the system describe it. */
export function thisMachine(env: NodeJS.ProcessEnv): Machine {
  const addresses = Object.values(os.networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  return { home: env['HOME'] || os.homedir(), cwd: process.cwd(), hostname: os.hostname(), addresses };
}
