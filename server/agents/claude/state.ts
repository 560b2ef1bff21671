import type { PermissionMode } from '../driver.ts';
import type { JsonObject } from '../json.ts';

/**
 * The message that the agent works on. `written`: no sign of it yet. `cancel` is `missed` when the interrupt came before the agent
 * had begun: it does nothing then, and is sent again.
 */
export interface OpenTurn {
  turnId: string;
  agentMessageId: string;
  phase: 'written' | 'acknowledged' | 'running';
  cancel: 'no' | 'asked' | 'missed';
}

/** What the agent waits for: a decision about a tool, or answers. `id` is its request_id. */
export type PendingRequest =
  { kind: 'approval'; id: string; input: JsonObject; suggestions: JsonObject[] } | { kind: 'question'; id: string; input: JsonObject };

/** The answer message that is being streamed: the block that is open, and the last block that was printed whole. */
export interface StreamPlace {
  messageId: string;
  block: number;
  whole: number;
}

export interface ClaudeState {
  phase: 'starting' | 'ready';
  mode: PermissionMode;
  turn: OpenTurn | null;
  stream: StreamPlace | null;
  pending: PendingRequest[];
  /** Newer versions announce each message with command_lifecycle; where they do, nothing else proves that a turn is ours. */
  announces: 'unknown' | 'yes';
  /** The conversation's cost as last reported; null when it is not known, as after a resume. */
  costUsd: number | null;
  /** What the last API error was called, for the `result` that follows it. */
  apiError: string | null;
  /** Numbers our control requests. */
  requests: number;
}

export const stateVersion = 1;

/** The state in which an incarnation begins. A resumed conversation has a cost that is not known yet. */
export function initialState(mode: PermissionMode, resume: boolean): ClaudeState {
  return {
    phase: 'starting',
    mode,
    turn: null,
    stream: null,
    pending: [],
    announces: 'unknown',
    costUsd: resume ? null : 0,
    apiError: null,
    requests: 0,
  };
}
