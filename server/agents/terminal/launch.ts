import type { LaunchRequest, LaunchSpec } from '../driver.ts';
import { AppError } from '../../platform/app-error.ts';
import { copier, script, shim } from './scripts.ts';

/** Begins and ends a mark of the shim: a control string that no terminal knows, and that all ignore. */
export const markStart = (nonce: string): string => `\x1b]7770;${nonce};`;
export const markEnd = '\x1b\\';

/** How a terminal is started. */
export function launch({ agentSessionId, projectPath, command, terminal }: LaunchRequest): LaunchSpec {
  if (!terminal) throw new AppError('internal', 'A terminal was launched as something else.');
  const { folder, name, cols, rows } = terminal;
  const program = terminal.command === null ? [] : [argument(terminal.command)];
  // tmux expands #{…} and #(…) in a folder's name.
  const project = argument(projectPath.replaceAll('#', '##'));
  const args = [
    '-c',
    script,
    'holdfast',
    command,
    folder,
    agentSessionId,
    name,
    String(cols),
    String(rows),
    project,
    shim,
    copier,
    ...program,
  ];
  return { file: '/bin/sh', args, env: {} };
}

/** tmux takes a semicolon at the end of an argument for the end of a command. */
function argument(text: string): string {
  return text.endsWith(';') ? `${text.slice(0, -1)}\\;` : text;
}
