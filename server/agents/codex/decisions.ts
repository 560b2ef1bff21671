import type {
  CommandExecutionRequestApprovalResponse,
  FileChangeRequestApprovalResponse,
  McpServerElicitationRequestResponse,
  PermissionsRequestApprovalResponse,
  ToolRequestUserInputResponse,
} from './protocol.ts';
import { responseLine } from './rpc.ts';
import type { PendingRequest } from './state.ts';

type Decision = CommandExecutionRequestApprovalResponse & FileChangeRequestApprovalResponse;

function decisionLine(request: PendingRequest, decision: Decision['decision']): string {
  return responseLine<Decision>(request.requestId, { decision });
}

function grantLine(request: PendingRequest, permissions: PermissionsRequestApprovalResponse['permissions'], always: boolean): string {
  return responseLine<PermissionsRequestApprovalResponse>(request.requestId, { permissions, scope: always ? 'session' : 'turn' });
}

function elicitedLine(request: PendingRequest, action: McpServerElicitationRequestResponse['action'], always = false): string {
  const content = action === 'accept' ? {} : null;
  return responseLine<McpServerElicitationRequestResponse>(request.requestId, {
    action,
    content,
    _meta: always ? { persist: 'session' } : null,
  });
}

/** Allows what was asked, once, or for as long as codex runs. */
export function allowLine(request: PendingRequest, always: boolean): string {
  if (request.kind === 'permissions') return grantLine(request, request.asked, always);
  if (request.kind === 'elicitation') return elicitedLine(request, 'accept', always);
  return decisionLine(request, always ? 'acceptForSession' : 'accept');
}

/** Denies what was asked; the turn goes on. */
export function denyLine(request: PendingRequest): string {
  switch (request.kind) {
    case 'permissions':
      return grantLine(request, {}, false);
    case 'elicitation':
      return elicitedLine(request, 'decline');
    case 'question':
      return responseLine<ToolRequestUserInputResponse>(request.requestId, { answers: {} });
    case 'command':
    case 'change':
      return decisionLine(request, 'decline');
  }
}

/** Answers what was asked in a turn that is being given up. */
export function cancelLine(request: PendingRequest): string {
  if (request.kind === 'elicitation') return elicitedLine(request, 'cancel');
  return request.kind === 'command' || request.kind === 'change' ? decisionLine(request, 'cancel') : denyLine(request);
}
