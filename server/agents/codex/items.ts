import { nothing, saying, turnOf } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, listOf, objectOf, stringOf } from '../json.ts';
import type { CodexState } from './state.ts';
import { inTurn } from './state.ts';
import { changesOf, outcomeOf, toolOf } from './tools.ts';

/** Whether something belongs to the turn that is open. */
function isOurs(params: JsonObject, state: CodexState): boolean {
  return state.turn !== null && (params.turnId === undefined || params.turnId === state.turn.codexTurnId);
}

/** A piece of a message or of thinking. This is the hot path: it makes one output and leaves the state as it is. */
export function decodeItemDelta(kind: 'text' | 'thinking', params: JsonObject, state: CodexState): Decoded<CodexState> {
  const { itemId, delta } = params;
  if (typeof delta !== 'string' || delta === '' || typeof itemId !== 'string' || !isOurs(params, state)) return nothing(state);
  return saying(state, { kind, ...turnOf(state), data: { messageId: itemId, delta } });
}

/** How a tool gets on. */
export function decodeProgress(toolId: string, detail: string, state: CodexState): Decoded<CodexState> {
  if (toolId === '' || detail === '') return nothing(state);
  return saying(state, { kind: 'tool.updated', ...turnOf(state), data: { toolId, detail: cut(detail, 2_000) } });
}

/** Kinds of items that are no news to a user. */
const silent = new Set<unknown>([
  ...['userMessage', 'hookPrompt', 'functionCallOutput', 'subAgentActivity', 'sleep', 'enteredReviewMode', 'exitedReviewMode'],
]);

/** An item of the conversation begins or is whole; null for a kind that is not known. */
export function decodeItem(step: 'started' | 'completed', params: JsonObject, state: CodexState): Decoded<CodexState> | null {
  const item = objectOf(params.item);
  const id = stringOf(item.id);
  if (id === '' || !isOurs(params, state)) return nothing(state);
  switch (item.type) {
    case 'agentMessage':
    case 'plan':
      return step === 'completed' ? wholeMessage(id, stringOf(item.text), state) : nothing(state);
    case 'reasoning':
      return step === 'completed' ? wholeThinking(id, item, state) : nothing(state);
    case 'contextCompaction': {
      if (step === 'started') return nothing(state);
      return saying(state, { kind: 'compacted', ...turnOf(state), data: { detail: 'The conversation was compacted.' } });
    }
    default:
      return decodeTool(step, id, item, state);
  }
}

function wholeMessage(messageId: string, text: string, state: CodexState): Decoded<CodexState> {
  if (text === '') return nothing(state);
  const data = { messageId, role: 'assistant' as const, text, blocks: [{ type: 'text', text }] };
  return saying(inTurn(state, { text }), { kind: 'message', ...turnOf(state), data });
}

function wholeThinking(messageId: string, item: JsonObject, state: CodexState): Decoded<CodexState> {
  const parts = [...listOf(item.summary), ...listOf(item.content)].filter((part) => typeof part === 'string');
  if (parts.length === 0) return nothing(state);
  const blocks = [{ type: 'thinking', thinking: parts.join('\n\n') }];
  return saying(state, { kind: 'message', ...turnOf(state), data: { messageId, role: 'assistant', text: '', blocks } });
}

function decodeTool(step: 'started' | 'completed', toolId: string, item: JsonObject, state: CodexState): Decoded<CodexState> | null {
  const tool = toolOf(item);
  if (!tool) return silent.has(item.type) ? nothing(state) : null;
  if (!state.turn) return nothing(state);
  const { tools } = state.turn;
  const open = tools.includes(toolId);
  // Some tools show only when they are done.
  const started: Output[] = open ? [] : [{ kind: 'tool.started', ...turnOf(state), data: { toolId, ...tool } }];
  if (step === 'started') {
    const changes = item.type === 'fileChange' ? [...state.changes, { itemId: toolId, changes: changesOf(item) }] : state.changes;
    return saying({ ...inTurn(state, { tools: open ? tools : [...tools, toolId] }), changes }, ...started);
  }
  const finished: Output = { kind: 'tool.finished', ...turnOf(state), data: { toolId, ...outcomeOf(item) } };
  const changes = state.changes.filter((change) => change.itemId !== toolId);
  return saying({ ...inTurn(state, { tools: tools.filter((other) => other !== toolId) }), changes }, ...started, finished);
}
