import type { PermissionMode } from '../driver.ts';
import type { AskForApproval, SandboxMode, SandboxPolicy } from './protocol.ts';

/**
 * When codex asks. `untrusted`: for every change and every command that is not known to only read. In `auto` it asks only to leave
 * its sandbox, and the driver answers.
 */
export function approvalPolicy(mode: PermissionMode): AskForApproval {
  return mode === 'auto' ? 'on-request' : 'untrusted';
}

/** How hard its models can be told to think. */
export const efforts = ['minimal', 'low', 'medium', 'high', 'xhigh'];

/** Where a mode's commands may write. */
export function sandboxOf(mode: PermissionMode): SandboxMode {
  return mode === 'plan' ? 'read-only' : 'workspace-write';
}

/** A sandbox as a turn's setting: the start of a conversation takes only its name, with what the user's configuration says of it. */
export function sandboxPolicy(sandbox: SandboxMode): SandboxPolicy {
  switch (sandbox) {
    case 'read-only':
      return { type: 'readOnly', networkAccess: false };
    case 'workspace-write':
      return { type: 'workspaceWrite', writableRoots: [], networkAccess: false, excludeTmpdirEnvVar: false, excludeSlashTmp: false };
    case 'danger-full-access':
      return { type: 'dangerFullAccess' };
  }
}
