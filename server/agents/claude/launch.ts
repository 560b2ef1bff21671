import type { Encoded, LaunchRequest, LaunchSpec, PermissionMode } from '../driver.ts';
import { toLine } from '../json.ts';
import type { ClaudeState } from './state.ts';
import { initialState } from './state.ts';

const fixedArgs = [
  '-p',
  '--input-format',
  'stream-json',
  '--output-format',
  'stream-json',
  '--include-partial-messages',
  '--replay-user-messages',
  '--verbose',
  '--permission-prompt-tool',
  'stdio',
];

/** What `--effort` takes. */
export const efforts = ['low', 'medium', 'high', 'xhigh', 'max'];

/** The CLI's name of a mode. It refuses its own bypass to root, so `auto` asks and the driver answers. */
export function cliMode(mode: PermissionMode): 'default' | 'acceptEdits' | 'plan' {
  switch (mode) {
    case 'ask':
    case 'auto':
      return 'default';
    case 'accept-edits':
      return 'acceptEdits';
    case 'plan':
      return 'plan';
  }
}

/** How to start the CLI so that it stays, for a new conversation, a copy of another, or to resume one. */
export function launch(request: LaunchRequest): LaunchSpec {
  // --add-dir takes every word up to the next option, so it must not come last.
  const args = [...fixedArgs, '--add-dir', request.filesPath];
  if (request.forkOf !== undefined) args.push('--resume', request.forkOf, '--fork-session');
  args.push(request.resume ? '--resume' : '--session-id', request.agentSessionId);
  if (request.model !== null) args.push('--model', request.model);
  if (request.effort) args.push('--effort', request.effort);
  args.push('--permission-mode', cliMode(request.mode));
  // Else the CLI lets its own classifier decide about commands in plan mode, and asks nobody.
  args.push('--settings', '{"useAutoModeDuringPlan":false}');
  return { file: request.command, args, env: { DISABLE_AUTOUPDATER: '1' } };
}

/** The CLI answers `initialize` as soon as it can take messages. */
export function begin(request: LaunchRequest): Encoded<ClaudeState> {
  const line = toLine({ type: 'control_request', request_id: 'holdfast-initialize', request: { subtype: 'initialize' } });
  return { lines: [line], state: initialState(request.mode, request.resume || request.forkOf !== undefined) };
}
