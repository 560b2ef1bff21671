import type { Driver } from './driver.ts';
import { claudeDriver } from './claude/driver.ts';
import { echoDriver } from './echo/driver.ts';
import { terminalDriver } from './terminal/driver.ts';

/** Every driver by the name that the agents catalogue of the settings uses. */
export const drivers: ReadonlyMap<string, Driver> = new Map<string, Driver>(
  [claudeDriver as Driver, echoDriver as Driver, terminalDriver as Driver].map((driver) => [driver.agent, driver]),
);
