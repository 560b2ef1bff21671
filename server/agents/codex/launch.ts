import type { Encoded, LaunchRequest, LaunchSpec } from '../driver.ts';
import { toLine } from '../json.ts';
import { approvalPolicy, sandboxOf } from './policy.ts';
import { askForOwn } from './own.ts';
import type { NotificationMethod } from './protocol.ts';
import { requestLine } from './rpc.ts';
import type { CodexState } from './state.ts';

/** What nobody reads: what commands print comes whole when they end. */
const unread: NotificationMethod[] = [
  'item/commandExecution/outputDelta',
  'item/fileChange/outputDelta',
  'item/fileChange/patchUpdated',
  'turn/diff/updated',
  'thread/started',
  'thread/status/changed',
  'remoteControl/status/changed',
];

/** The app server stays until its input ends. */
export function launch(request: LaunchRequest): LaunchSpec {
  return { file: request.command, args: ['app-server'], env: {} };
}

/** Codex takes these lines one after the other; what it answers to the last one is that it can take messages. */
export function begin(request: LaunchRequest): Encoded<CodexState> {
  const state: CodexState = {
    phase: 'starting',
    threadId: null,
    projectPath: request.projectPath,
    opening: openingOf(request),
    mode: request.mode,
    sandbox: sandboxOf(request.mode),
    model: request.model,
    modelNow: request.model,
    modelOwn: null,
    effort: request.effort ?? null,
    turn: null,
    queued: [],
    pending: [],
    changes: [],
    total: null,
    limit: 'free',
    requests: 0,
  };
  const hello = requestLine('holdfast-initialize', 'initialize', {
    clientInfo: { name: 'holdfast', title: 'Holdfast', version: '1' },
    capabilities: { experimentalApi: false, requestAttestation: false, optOutNotificationMethods: unread },
  });
  // A new conversation tells what codex does by itself. One that goes on does not: it is opened when that is known.
  const next = state.opening.from === 'nothing' ? [openLine(state)] : askForOwn(state.projectPath);
  return { lines: [hello, toLine({ method: 'initialized' }), ...next], state };
}

/** How the conversation is to be, whether it begins or goes on. */
function manner(state: Pick<CodexState, 'projectPath' | 'mode' | 'model'>): { [key: string]: unknown } & {
  cwd: string;
  approvalPolicy: ReturnType<typeof approvalPolicy>;
  sandbox: ReturnType<typeof sandboxOf>;
} {
  const { mode, model } = state;
  return { cwd: state.projectPath, approvalPolicy: approvalPolicy(mode), sandbox: sandboxOf(mode), ...(model === null ? {} : { model }) };
}

function openingOf(request: LaunchRequest): CodexState['opening'] {
  if (request.forkOf !== undefined) return { from: 'fork', threadId: request.forkOf };
  return request.resume ? { from: 'resume', threadId: request.agentSessionId } : { from: 'nothing' };
}

/** Opens the conversation. The id of the request says whether it is a new one. */
export function openLine(state: Pick<CodexState, 'opening' | 'projectPath' | 'mode' | 'model'>): string {
  const { opening } = state;
  const how = manner(state);
  switch (opening.from) {
    case 'nothing':
      return requestLine('holdfast-new-thread', 'thread/start', how);
    case 'resume':
      return requestLine('holdfast-thread', 'thread/resume', { threadId: opening.threadId, excludeTurns: true, ...how });
    case 'fork':
      return requestLine('holdfast-thread', 'thread/fork', { threadId: opening.threadId, excludeTurns: true, ...how });
  }
}
