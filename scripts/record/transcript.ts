import type { DriverCommand, LaunchRequest } from '../../server/agents/driver.ts';

/**
 * One entry of a recorded transcript. `begin` starts an incarnation; `in` is a line to the agent, with the command on
 * the first of its lines (none: a reply of the driver, or what `begin` sends); `out` is a line of the agent. `command` is one that gave no line at once, as while a mode is being set.
 */
export type TranscriptEntry =
  | { dir: 'begin'; request: LaunchRequest }
  | { dir: 'in'; line: string; command?: DriverCommand }
  | { dir: 'out'; line: string }
  | { dir: 'command'; command: DriverCommand };
