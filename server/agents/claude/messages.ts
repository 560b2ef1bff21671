import { advance, nothing, saying, turnOf } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, listOf, objectOf, stringOf } from '../json.ts';
import { keptOutput } from '../texts.ts';
import type { ClaudeState, StreamPlace } from './state.ts';
import { titleOf } from './titles.ts';

const maxDetail = 2_000;

function blocksOf(line: JsonObject): JsonObject[] {
  const content = objectOf(line.message).content;
  return typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content).map(objectOf);
}

function planOf(input: JsonObject, state: ClaudeState): Output[] {
  if (!Array.isArray(input.todos)) return [];
  const entries = input.todos.map(objectOf).map((todo) => ({ text: stringOf(todo.content), status: stringOf(todo.status) || 'pending' }));
  return [{ kind: 'plan', ...turnOf(state), data: { entries } }];
}

function outputsOf(block: JsonObject, name: string, state: ClaudeState): Output[] {
  const turn = turnOf(state);
  switch (block.type) {
    case 'text': {
      const text = stringOf(block.text);
      if (text === '') return [];
      return [{ kind: 'message', ...turn, data: { messageId: name, role: 'assistant', text, blocks: [{ type: 'text', text }] } }];
    }
    case 'thinking': {
      const blocks = [{ type: 'thinking', thinking: stringOf(block.thinking) }];
      return [{ kind: 'message', ...turn, data: { messageId: name, role: 'assistant', text: '', blocks } }];
    }
    case 'tool_use': {
      const tool = stringOf(block.name) || 'tool';
      const input = objectOf(block.input);
      const data = { toolId: stringOf(block.id), name: tool, title: titleOf(tool, input), input };
      return [{ kind: 'tool.started', ...turn, data }, ...(tool === 'TodoWrite' ? planOf(input, state) : [])];
    }
    default:
      return [];
  }
}

/** The CLI prints a line for each block, before the block's end in the stream; without a stream the lines are counted. */
function placeOf(messageId: string, stream: StreamPlace | null): StreamPlace {
  if (stream?.messageId !== messageId) return { messageId, block: 0, whole: 0 };
  const block = stream.block > stream.whole ? stream.block : stream.whole + 1;
  return { messageId, block, whole: block };
}

/** An `assistant` line: one block, whole. */
export function decodeAssistant(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  if (typeof line.parent_tool_use_id === 'string') return subagent(line.parent_tool_use_id, line, state);
  // An API error is printed as if the model had said it; the result that follows carries the same text.
  if (typeof line.error === 'string' || line.is_api_error_message === true || line.isApiErrorMessage === true) {
    return nothing({ ...state, apiError: stringOf(line.error) || 'unknown' });
  }
  const begun = state.announces === 'yes' ? nothing(state) : advance(state, 'running');
  const messageId = stringOf(objectOf(line.message).id) || stringOf(line.uuid);
  for (const block of blocksOf(line)) {
    const place = placeOf(messageId, begun.state.stream);
    begun.outputs.push(...outputsOf(block, `${messageId}/${place.whole}`, begun.state));
    begun.state = { ...begun.state, stream: place };
  }
  return begun;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  const parts = listOf(content).map(objectOf);
  return parts.map((part) => (part.type === 'text' ? stringOf(part.text) : `[${stringOf(part.type) || 'content'}]`)).join('\n');
}

function finished(block: JsonObject, state: ClaudeState): Output {
  const output = keptOutput(textOf(block.content));
  return { kind: 'tool.finished', ...turnOf(state), data: { toolId: stringOf(block.tool_use_id), ok: block.is_error !== true, output } };
}

function subagent(toolId: string, line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const details = blocksOf(line).map((block) => {
    if (block.type === 'text') return stringOf(block.text);
    if (block.type === 'tool_use') return titleOf(stringOf(block.name) || 'tool', objectOf(block.input));
    return block.type === 'tool_result' ? textOf(block.content) : '';
  });
  const outputs = details
    .filter((detail) => detail !== '')
    .map((detail): Output => ({ kind: 'tool.updated', ...turnOf(state), data: { toolId, detail: cut(detail, maxDetail) } }));
  return saying(state, ...outputs);
}

/** A `user` line: results of tools, or the echo of a message. */
export function decodeUser(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  if (typeof line.parent_tool_use_id === 'string') return subagent(line.parent_tool_use_id, line, state);
  if (line.isReplay === true) return echo(line, state);
  const results = blocksOf(line).filter((block) => block.type === 'tool_result');
  return saying(state, ...results.map((block) => finished(block, state)));
}

function echo(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const turn = state.turn;
  // Not every echo is of our message: set_model prints one of its own.
  if (!turn || stringOf(line.uuid).toLowerCase() !== turn.agentMessageId.toLowerCase()) return nothing(state);
  // A message that runs is announced, or at least shows init before its echo. One that was seen before gets only an
  // echo, without a timestamp, and no result will come.
  if (turn.phase === 'written' && (state.announces === 'yes' || line.timestamp === undefined)) {
    const detail = 'The agent has seen this message before and will not run it again. Send it under a new id.';
    return saying({ ...state, turn: null }, { kind: 'turn.failed', turnId: turn.turnId, code: 'repeated', detail });
  }
  return advance(state, 'acknowledged');
}
