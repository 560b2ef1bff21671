import type { PermissionMode } from '../driver.ts';

export interface EchoState {
  mode: PermissionMode;
  turn: { turnId: string; agentMessageId: string } | null;
  /** What the program waits for. */
  pending: { kind: 'approval' | 'question'; id: string }[];
}

export const stateVersion = 1;
