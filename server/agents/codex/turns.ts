import { advance, nothing, saying, turnOf, withdrawn } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, listOf, objectOf, stringOf } from '../json.ts';
import { interruptTurn } from './encode.ts';
import { failureCode, failureDetail } from './failure.ts';
import { cancelLine } from './decisions.ts';
import { sendQueued } from './responses.ts';
import type { CodexState } from './state.ts';
import { inTurn } from './state.ts';

/** Ends the open turn with `ending`, takes back what it had asked, and lets a message that waits begin the next. */
export function endTurn(state: CodexState, ending: Output): Decoded<CodexState> {
  const { turn } = state;
  if (!turn) return nothing(state);
  const usage: Output[] = turn.usage ? [{ kind: 'usage', ...turnOf(state), data: { usage: turn.usage, costUsd: null } }] : [];
  // Of a command that was interrupted, codex tells no end.
  const cutShort = { ok: false, output: 'It did not run to its end.' };
  const tools = turn.tools.map((toolId): Output => ({ kind: 'tool.finished', ...turnOf(state), data: { toolId, ...cutShort } }));
  const outputs = [...tools, ...state.pending.map((request) => withdrawn(request, state)), ...usage, ending];
  // Whatever codex still waits for in a turn that is over must not be found open by it later.
  const replies = state.pending.map(cancelLine);
  return sendQueued({ outputs, replies, state: { ...state, turn: null, pending: [], changes: [] } });
}

/** The turn is active in codex: from now on it can be interrupted. */
export function decodeTurnStarted(params: JsonObject, state: CodexState): Decoded<CodexState> {
  const id = stringOf(objectOf(params.turn).id);
  const { turn } = state;
  if (!turn || id === '' || (turn.codexTurnId !== null && turn.codexTurnId !== id)) return nothing(state);
  const begun = advance(inTurn(state, { codexTurnId: id }), 'running');
  if (turn.cancel !== 'asked') return begun;
  const { lines, state: next } = interruptTurn(begun.state);
  return { ...begun, replies: lines, state: next };
}

/** A turn ended; only of the open one that is news. */
export function decodeTurnCompleted(params: JsonObject, state: CodexState): Decoded<CodexState> {
  const ended = objectOf(params.turn);
  const { turn } = state;
  if (!turn || turn.codexTurnId === null || turn.codexTurnId !== ended.id) return nothing(state);
  const begun = ended.status === 'completed' ? advance(state, 'running') : nothing(state);
  const decoded = endTurn(begun.state, endingOf(ended, begun.state));
  return { ...decoded, outputs: [...begun.outputs, ...decoded.outputs] };
}

function endingOf(ended: JsonObject, state: CodexState): Output {
  const { turnId = '', text = '', usage = null, trouble = null } = state.turn ?? {};
  if (ended.status === 'completed') {
    const said = listOf(ended.items)
      .map(objectOf)
      .findLast((item) => item.type === 'agentMessage');
    return { kind: 'turn.completed', turnId, result: { text: text || stringOf(said?.text), usage, costUsd: null } };
  }
  if (ended.status === 'interrupted') return { kind: 'turn.cancelled', turnId };
  const error = objectOf(ended.error);
  return { kind: 'turn.failed', turnId, code: failureCode(error, trouble), detail: failureDetail(error) };
}

/** The model's API failed. While codex tries again that is a notice; else the turn's end says it. */
export function decodeError(params: JsonObject, state: CodexState): Decoded<CodexState> {
  const error = objectOf(params.error);
  const why = stringOf(error.additionalDetails) || stringOf(error.message);
  if (params.willRetry === true) {
    const detail = cut(`The model's API failed, codex tries again: ${why}`, 2_000);
    return saying(inTurn(state, { trouble: error }), { kind: 'notice', ...turnOf(state), data: { code: 'api-retry', detail } });
  }
  if (state.turn && (state.turn.codexTurnId === null || state.turn.codexTurnId === params.turnId)) return nothing(state);
  return saying(state, { kind: 'notice', ...turnOf(state), data: { code: 'agent-error', detail: cut(failureDetail(error), 2_000) } });
}

const planStatus = new Map<unknown, string>([
  ['pending', 'pending'],
  ['inProgress', 'in_progress'],
  ['completed', 'completed'],
]);

/** What codex plans to do, step by step. */
export function decodePlan(params: JsonObject, state: CodexState): Decoded<CodexState> {
  const entries = listOf(params.plan)
    .map(objectOf)
    .map((step) => ({ text: stringOf(step.step), status: planStatus.get(step.status) ?? 'pending' }));
  return saying(state, { kind: 'plan', ...turnOf(state), data: { entries } });
}
