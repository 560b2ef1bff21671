import type { InitializeRequest, LoadSessionRequest, NewSessionRequest, PromptRequest } from '@agentclientprotocol/sdk';
import type { AcpProfile } from '../../contracts/acp-profile.ts';
import type { Decoded, Output } from '../driver.ts';
import { type JsonObject, listOf, numberOf, objectOf, stringOf } from '../json.ts';
import { failureOf, mayPass, type Failure } from './failure.ts';
import { notOffered, setEffortCall, setModeCall, setModelCall, settersOf } from './manner.ts';
import { call } from './rpc.ts';
import type { AcpState } from './state.ts';

export const noImages = 'This agent takes no images.';

/** The first request of all. */
export function initialize(state: AcpState): { line: string; state: AcpState } {
  const params: InitializeRequest = {
    protocolVersion: 1,
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
    clientInfo: { name: 'holdfast', version: '1' },
  };
  return call({ ...state, phase: 'initializing' }, 'initialize', 'initialize', params);
}

function newSession(state: AcpState, ...outputs: Output[]): Decoded<AcpState> {
  const params: NewSessionRequest = { cwd: state.projectPath, mcpServers: [] };
  const begun = { ...state, phase: 'opening', resume: null, agentSessionId: null, costUsd: null } as const;
  const { line, state: next } = call(begun, 'new', 'session/new', params);
  return { outputs, replies: [line], state: next };
}

function loadSession(state: AcpState, sessionId: string): Decoded<AcpState> {
  const params: LoadSessionRequest = { sessionId, cwd: state.projectPath, mcpServers: [] };
  const { line, state: next } = call({ ...state, phase: 'opening', agentSessionId: sessionId }, 'load', 'session/load', params);
  return { outputs: [], replies: [line], state: next };
}

/** What the agent said about itself: its session is opened next, the one to resume or a new one. */
export function initialized(state: AcpState, result: JsonObject, profile: AcpProfile): Decoded<AcpState> {
  const can = objectOf(result.agentCapabilities);
  const [login] = listOf(result.authMethods).map(objectOf);
  const offers = {
    load: can.loadSession === true,
    images: objectOf(can.promptCapabilities).image === true,
    login: login ? stringOf(login.description) || stringOf(login.name) : '',
  };
  const known: AcpState = { ...state, offers };
  const version = numberOf(result.protocolVersion);
  if (version !== null && version !== 1) {
    const detail = `This agent speaks version ${version} of the Agent Client Protocol, and Holdfast speaks version 1: install another version of it.`;
    return closed(known, { code: 'not-supported', detail });
  }
  if (known.resume === null) return newSession(known);
  if (!offers.load) return newSession(known, { kind: 'refused', detail: 'This agent can not load a conversation.' });
  return loadSession(known, profile.quirks?.loadAs?.replace('{id}', known.resume) ?? known.resume);
}

/** The conversation could not be loaded: a new one is begun, unless it may be loaded later, as when somebody has signed in. */
export function loadFailed(state: AcpState, error: JsonObject): Decoded<AcpState> {
  const failure = failureOf(error, state.offers.login);
  if (failure.code === 'unauthorized' || mayPass(failure)) return closed(state, failure);
  if (state.resume !== null && state.agentSessionId !== state.resume) return loadSession(state, state.resume);
  return newSession(state, { kind: 'refused', detail: failure.detail });
}

/** The session is there. Its mode and model are set before it takes a message. */
export function opened(state: AcpState, result: JsonObject, profile: AcpProfile): Decoded<AcpState> {
  const id = stringOf(result.sessionId) || state.agentSessionId;
  if (id === null) return closed(state, { code: 'agent-error', detail: 'The agent began a session without an id.' });
  const replays = state.resume !== null && profile.quirks?.replayEnd !== undefined;
  const at: AcpState = { ...state, agentSessionId: id, ...settersOf(result), phase: replays ? 'replaying' : 'settling' };
  const replies: string[] = [];
  const outputs: Output[] = [];
  const model = at.model === null ? null : setModelCall(at, at.model);
  if (at.model !== null && model === null) outputs.push({ kind: 'notice', data: notOffered('model') });
  // With another model, the effort is set when that is.
  const effort = at.effort && model === null ? setEffortCall(at, at.effort) : null;
  if (at.effort && model === null && effort === null) outputs.push({ kind: 'notice', data: notOffered('effort') });
  let next = at;
  for (const set of [setModeCall(at, at.mode, profile), model, effort]) {
    if (set === null) continue;
    // All were made of the same state, so the later one takes its number from the newest.
    const { line, state: after } = call(next, set.about, set.method, set.params);
    replies.push(line);
    next = after;
  }
  const settled = settle(next);
  return { ...settled, outputs: [...outputs, ...settled.outputs], replies: [...replies, ...settled.replies] };
}

/** Becomes ready, and hands over a message that was held, as soon as nothing is being set any more. */
export function settle(state: AcpState): Decoded<AcpState> {
  if (state.calls.length > 0 || (state.phase !== 'settling' && state.phase !== 'ready')) return { outputs: [], replies: [], state };
  const outputs: Output[] = state.phase === 'settling' ? [{ kind: 'ready', agentSessionId: state.resume ?? state.agentSessionId }] : [];
  const ready: AcpState = { ...state, phase: 'ready' };
  const turn = ready.turn;
  if (turn?.phase !== 'held') return { outputs, replies: [], state: ready };
  if (turn.cancel === 'asked') {
    outputs.push({ kind: 'turn.cancelled', turnId: turn.turnId });
    return { outputs, replies: [], state: { ...ready, turn: null } };
  }
  if (!ready.offers.images && turn.prompt?.some(({ type }) => type === 'image')) {
    outputs.push({ kind: 'turn.failed', turnId: turn.turnId, code: 'not-supported', detail: noImages });
    return { outputs, replies: [], state: { ...ready, turn: null } };
  }
  const { line, state: next } = prompt(ready);
  return { outputs, replies: [line], state: next };
}

/** Hands the held message of a ready session over. */
export function prompt(state: AcpState): { line: string; state: AcpState } {
  const { prompt: content = [], ...turn } = state.turn ?? {
    turnId: '',
    cancel: 'no',
    block: null,
    blocks: 0,
    failure: null,
    costBefore: 0,
  };
  const params: PromptRequest = { sessionId: state.agentSessionId ?? '', prompt: content };
  // What a conversation cost before it was loaded is not known until it is reported.
  const costBefore = state.costUsd ?? (state.resume === null ? 0 : null);
  const begun: AcpState = { ...state, turn: { ...turn, phase: 'written', costBefore } };
  return call(begun, 'prompt', 'session/prompt', params);
}

/** It opens no session. It takes messages all the same: each tries again, and fails with the reason. */
export function closed(state: AcpState, { code, detail }: Failure): Decoded<AcpState> {
  const outputs: Output[] = [{ kind: 'ready', agentSessionId: null }];
  const { turn } = state;
  if (turn?.cancel === 'asked') outputs.push({ kind: 'turn.cancelled', turnId: turn.turnId });
  else if (turn) outputs.push({ kind: 'turn.failed', turnId: turn.turnId, code, detail });
  else outputs.push({ kind: 'notice', data: { code, detail } });
  return { outputs, replies: [], state: { ...state, phase: 'closed', turn: null, calls: [] } };
}
