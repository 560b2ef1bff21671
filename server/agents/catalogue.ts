import type { AcpProfile } from '../contracts/acp-profile.ts';
import { acpDriver } from './acp/driver.ts';
import { claudeDriver } from './claude/driver.ts';
import { codexDriver } from './codex/driver.ts';
import type { Driver } from './driver.ts';
import { echoDriver } from './echo/driver.ts';
import { terminalDriver } from './terminal/driver.ts';

/** Drivers that speak one agent's own protocol, by the name that the agents catalogue of the settings uses. */
export const drivers: ReadonlyMap<string, Driver> = new Map<string, Driver>(
  [claudeDriver as Driver, codexDriver as Driver, echoDriver as Driver, terminalDriver as Driver].map((driver) => [driver.agent, driver]),
);

/** The driver of an entry of the agents catalogue; undefined where there is none. */
export function driverOf(entry: { agent: string; driver: string; acp?: AcpProfile }): Driver | undefined {
  return entry.driver === 'acp' && entry.acp ? acpDriver(entry.agent, entry.acp) : drivers.get(entry.driver);
}
