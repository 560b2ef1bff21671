import type { Decoded, Output } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, listOf, numberOf, parseObject, stringOf, toLine } from '../json.ts';
import type { EchoState } from './state.ts';

const maxUnknown = 256 * 1024;

function saying(state: EchoState, ...outputs: Output[]): Decoded<EchoState> {
  return { outputs, replies: [], state };
}

function asked(line: JsonObject, state: EchoState, turn: { turnId?: string }): Decoded<EchoState> {
  const id = stringOf(line.id);
  if (line.type === 'question') {
    const options = listOf(line.options).map((label) => ({ label: stringOf(label) }));
    const data = { questionId: id, questions: [{ question: stringOf(line.question), options }] };
    return saying({ ...state, pending: [...state.pending, { kind: 'question', id }] }, { kind: 'question.asked', ...turn, data });
  }
  if (state.mode === 'auto') return { outputs: [], replies: [toLine({ type: 'decision', id, allow: true, reason: '' })], state };
  const what = stringOf(line.what);
  const options = [
    { id: 'allow', label: 'Allow', decision: 'allow' as const },
    { id: 'deny', label: 'Deny', decision: 'deny' as const },
  ];
  const data = { approvalId: id, tool: 'echo', title: what, input: { what }, options, expiresAt: null };
  return saying({ ...state, pending: [...state.pending, { kind: 'approval', id }] }, { kind: 'approval.requested', ...turn, data });
}

function ended(line: JsonObject, state: EchoState): Decoded<EchoState> {
  if (!state.turn || line.id !== state.turn.agentMessageId) return saying(state);
  const turnId = state.turn.turnId;
  const tokens = { inputTokens: numberOf(line.inputTokens) ?? 0, outputTokens: numberOf(line.outputTokens) ?? 0 };
  const used = { usage: { ...tokens, cacheReadTokens: 0, cacheWriteTokens: 0 }, costUsd: 0 };
  const text = stringOf(line.text);
  const outputs = state.pending.map((request): Output => {
    if (request.kind === 'question') return { kind: 'question.answered', turnId, data: { questionId: request.id, by: 'withdrawn' } };
    return { kind: 'approval.resolved', turnId, data: { approvalId: request.id, decision: 'withdrawn', by: 'agent' } };
  });
  outputs.push({ kind: 'usage', turnId, data: used });
  if (line.outcome === 'completed') outputs.push({ kind: 'turn.completed', turnId, result: { text, ...used } });
  else if (line.outcome === 'cancelled') outputs.push({ kind: 'turn.cancelled', turnId });
  else outputs.push({ kind: 'turn.failed', turnId, code: 'agent-error', detail: text });
  return saying({ ...state, turn: null, pending: [] }, ...outputs);
}

function known(line: JsonObject, state: EchoState): Decoded<EchoState> | null {
  const turn = state.turn ? { turnId: state.turn.turnId } : {};
  const mine = state.turn !== null && line.id === state.turn.agentMessageId;
  const text = stringOf(line.text);
  const messageId = stringOf(line.message);
  switch (line.type) {
    case 'delta':
      return saying(state, { kind: line.thinking === true ? 'thinking' : 'text', ...turn, data: { messageId, delta: text } });
    case 'said':
      return saying(state, { kind: 'message', ...turn, data: { messageId, role: 'assistant', text, blocks: [{ type: 'text', text }] } });
    case 'ready':
      return saying(state, { kind: 'ready', agentSessionId: stringOf(line.session) || null });
    case 'refused':
      return saying(state, { kind: 'refused', detail: stringOf(line.detail) });
    case 'received':
      return mine ? saying(state, { kind: 'turn.acknowledged', turnId: state.turn?.turnId ?? '' }) : saying(state);
    case 'begun':
      return mine ? saying(state, { kind: 'turn.started', turnId: state.turn?.turnId ?? '' }) : saying(state);
    case 'tool': {
      const toolId = stringOf(line.tool);
      if (line.state === 'finished') return saying(state, { kind: 'tool.finished', ...turn, data: { toolId, ok: true, output: text } });
      return saying(state, { kind: 'tool.started', ...turn, data: { toolId, name: stringOf(line.name), title: text, input: { text } } });
    }
    case 'approval':
    case 'question':
      return typeof line.id === 'string' && !state.pending.some((request) => request.id === line.id)
        ? asked(line, state, turn)
        : saying(state);
    case 'ended':
      return ended(line, state);
    default:
      return null;
  }
}

/** A line of the program as what it means; what it doesn't know becomes `unknown`. */
export function decode(line: string, state: EchoState): Decoded<EchoState> {
  const parsed = parseObject(line);
  const decoded = parsed && known(parsed, state);
  if (decoded) return decoded;
  const kept = cut(line, maxUnknown);
  const data = kept === line ? { line } : { line: kept, truncated: true };
  return saying(state, { kind: 'unknown', ...(state.turn ? { turnId: state.turn.turnId } : {}), data });
}
