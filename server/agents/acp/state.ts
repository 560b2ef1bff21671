import type { ContentBlock, SessionId } from '@agentclientprotocol/sdk';
import { nothing, saying } from '../decoded.ts';
import type { Decoded, Output, PermissionMode } from '../driver.ts';
import type { JsonObject } from '../json.ts';

/** The message that the agent works on. `held`: its prompt waits until the session is open. `written`: no sign of it yet. */
export interface OpenTurn {
  turnId: string;
  phase: 'held' | 'written' | 'acknowledged' | 'running';
  cancel: 'no' | 'asked';
  /** The prompt, while it is held. */
  prompt?: ContentBlock[];
  /** The message that is being streamed; `agentId` is its own id, where it has one. */
  block: { kind: 'text' | 'thinking'; messageId: string; agentId: string } | null;
  blocks: number;
  /** What may be a failed call of the model, told as text: it is, when nothing follows. */
  failure: string | null;
  /** The session's cost when it began, in USD. */
  costBefore: number | null;
}

/** A request of ours that waits for its answer. */
export interface Call {
  id: number;
  about: 'initialize' | 'load' | 'new' | 'mode' | 'model' | 'effort' | 'prompt';
}

/** A tool that the agent has announced and not finished. `told`: its start is in the log; `shown`: characters of output that are. */
export interface OpenTool {
  id: string;
  kind: string;
  title: string;
  input: JsonObject;
  told: 'no' | 'yes';
  shown: number;
}

/** What the agent waits for. `rpcId` is its own, of which 0 is one. */
export interface PendingApproval {
  id: string;
  rpcId: string | number;
  options: { optionId: string; kind: string }[];
}

/** How modes and models are set: by a method of their own, as an option of the session, or not at all. */
export type Setter = { by: 'none' } | { by: 'method' } | { by: 'option'; configId: string };

export interface AcpState {
  /** `closed`: it opened no session, and is asked again with the next message. */
  phase: 'initializing' | 'opening' | 'replaying' | 'settling' | 'ready' | 'closed';
  projectPath: string;
  /** The conversation to load; null for a new one. */
  resume: SessionId | null;
  agentSessionId: SessionId | null;
  mode: PermissionMode;
  model: string | null;
  /** What it said that it can do; `login` is how to sign in, in its words. */
  offers: { load: boolean; images: boolean; login: string };
  setMode: Setter;
  setModel: Setter;
  /** The model that it had by itself. */
  ownModel: string | null;
  /** How hard its model is to think, the option that sets it, where there is one, and what it was by itself. */
  effort?: string | null;
  setEffort?: Setter;
  ownEffort?: string | null;
  calls: Call[];
  lastId: number;
  turn: OpenTurn | null;
  pending: PendingApproval[];
  tools: OpenTool[];
  /** The tools that ended last: what is told of them later is no news. */
  ended?: string[];
  /** Tokens that were reported before, where the agent counts them over its whole life: input, output, cache read, cache write. */
  counted: [number, number, number, number];
  /** The session's cost as last reported; null where it was not. */
  costUsd: number | null;
  /** Numbers messages outside of turns. */
  strays: number;
}

export const stateVersion = 1;

/** The state in which an incarnation begins. */
export function initialState(from: Pick<AcpState, 'projectPath' | 'resume' | 'mode' | 'model' | 'effort'>): AcpState {
  return {
    ...from,
    phase: 'initializing',
    agentSessionId: null,
    offers: { load: false, images: false, login: '' },
    setMode: { by: 'none' },
    setModel: { by: 'none' },
    ownModel: null,
    calls: [],
    lastId: 0,
    turn: null,
    pending: [],
    tools: [],
    counted: [0, 0, 0, 0],
    costUsd: null,
    strays: 0,
  };
}

/** The turn that the agent knows of: not one whose prompt is held. */
export function openTurn(state: AcpState): OpenTurn | null {
  return state.turn?.phase === 'held' ? null : state.turn;
}

/** An `outputs` entry of the open turn, if there is one. */
export function turnOf(state: AcpState): { turnId?: string } {
  const turn = openTurn(state);
  return turn ? { turnId: turn.turnId } : {};
}

/** The open turn runs, which is said once. Nothing outside of one. */
export function running(state: AcpState): Decoded<AcpState> {
  const turn = openTurn(state);
  if (!turn || turn.phase === 'running') return nothing(state);
  const outputs: Output[] = turn.phase === 'written' ? [{ kind: 'turn.acknowledged', turnId: turn.turnId }] : [];
  outputs.push({ kind: 'turn.started', turnId: turn.turnId });
  return { outputs, replies: [], state: { ...state, turn: { ...turn, phase: 'running' } } };
}

/** The message that is being streamed is whole, and what comes next is another one. */
export function endBlock(state: AcpState): Decoded<AcpState> {
  const { turn } = state;
  if (!turn?.block) return nothing(state);
  const output: Output = { kind: 'said', turnId: turn.turnId, data: { messageId: turn.block.messageId } };
  return saying({ ...state, turn: { ...turn, block: null } }, output);
}
