import type { Driver, DriverCommand, Encoded, LaunchRequest, TerminalCommand } from '../../server/agents/driver.ts';

/** What an agent or a terminal can be told. */
export type AnyCommand = DriverCommand | TerminalCommand;

/**
 * One entry of a recorded transcript. `begin` starts an incarnation; `in` is a line to the agent, with the command on
 * the first of its lines (none: a reply of the driver, or what `begin` sends); `out` is a line of the agent. `command` is one that gave no line at once, as while a mode is being set.
 */
export type TranscriptEntry =
  | { dir: 'begin'; request: LaunchRequest }
  | { dir: 'in'; line: string; command?: AnyCommand }
  | { dir: 'out'; line: string }
  | { dir: 'command'; command: AnyCommand };

/** A command as lines, by the side of the driver that it is for. */
export function encoded<S>(driver: Driver<S>, command: AnyCommand, state: S): Encoded<S> {
  switch (command.kind) {
    case 'input':
    case 'resize':
    case 'screen':
      if (!driver.terminal) throw new Error(`The driver ${driver.agent} is no terminal.`);
      return driver.terminal.encode(command, state);
    default:
      return driver.encode(command, state);
  }
}
