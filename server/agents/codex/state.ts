import type { DataOf } from '../../contracts/events.ts';
import type { DriverCommand, PermissionMode } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import type { OwnWays } from './own.ts';
import type { SandboxMode } from './protocol.ts';

export type Message = DriverCommand & { kind: 'message' };
export type Usage = DataOf<'usage'>['usage'];

/** The message that codex works on. It has no active turn, and can't be interrupted, before it has said `turn/started`. */
export interface OpenTurn {
  turnId: string;
  agentMessageId: string;
  /** The id of our request that began it. */
  requestId: string;
  /** Codex's own id of the turn; null until it is known. */
  codexTurnId: string | null;
  phase: 'written' | 'acknowledged' | 'running';
  cancel: 'no' | 'asked' | 'sent';
  /** The last message of the answer. */
  text: string;
  usage: Usage | null;
  /** Tools that were started and have not finished. */
  tools: string[];
  /** How the model's API failed last, while codex tries again. */
  trouble: JsonObject | null;
}

/** What codex waits for. `id` is ours, `requestId` its own, a number from 0 or a string. */
export type PendingRequest = { id: string; requestId: string | number } & (
  | { kind: 'command' | 'change' }
  | { kind: 'permissions'; asked: JsonObject }
  | { kind: 'elicitation'; about: 'tool' | 'server' }
  | { kind: 'question'; questions: { id: string; question: string }[] }
);

/** The files that a change touches, by the id of its item: its approval doesn't name them. */
export interface OpenChange {
  itemId: string;
  changes: { path: string; kind: string; diff: string }[];
}

export interface CodexState {
  phase: 'starting' | 'ready';
  /** Codex's own id of the conversation; null while it has none, also where it could not begin one. */
  threadId: string | null;
  projectPath: string;
  /** How the conversation comes about: new, or from one that codex has. */
  opening: { from: 'nothing' } | { from: 'resume' | 'fork'; threadId: string };
  mode: PermissionMode;
  /** The sandbox that the conversation has now. */
  sandbox: SandboxMode;
  /** The model that is wanted, null for codex's own; the one that the conversation has; and codex's own, where it is known. */
  model: string | null;
  modelNow: string | null;
  modelOwn: string | null;
  /** The same of how hard it thinks. */
  effort?: string | null;
  effortNow?: string | null;
  effortOwn?: string | null;
  /** Of a conversation that goes on: what codex would do in a new one. */
  own?: OwnWays;
  turn: OpenTurn | null;
  /** Messages that came before their time: a message during a turn would steer it, and without a conversation there is nobody to take it. */
  queued: { message: Message; cancel: 'no' | 'asked' }[];
  pending: PendingRequest[];
  changes: OpenChange[];
  /** What the conversation had used when this was last told; null when it is not known, as after a resume. */
  total: Usage | null;
  limit: 'free' | 'reached';
  /** Numbers our requests. */
  requests: number;
}

export const stateVersion = 1;

/** Changes something in the open turn. */
export function inTurn(state: CodexState, change: Partial<OpenTurn>): CodexState {
  return state.turn ? { ...state, turn: { ...state.turn, ...change } } : state;
}
