import { advance, nothing } from '../decoded.ts';
import type { Decoded } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { numberOf, objectOf, stringOf } from '../json.ts';
import type { ClaudeState } from './state.ts';

/**
 * A raw API event. This is the hot path: a delta makes one output and leaves the state as it is. A block's name is
 * the API message's id and the block's index, so that it is the same in deltas and in the whole message.
 */
export function decodeStreamEvent(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  // A subagent's stream is not part of the answer.
  if (typeof line.parent_tool_use_id === 'string') return nothing(state);
  const begun = state.announces === 'yes' ? nothing(state) : advance(state, 'running');
  const event = objectOf(line.event);
  const index = numberOf(event.index) ?? 0;
  switch (event.type) {
    case 'content_block_delta': {
      const delta = objectOf(event.delta);
      if (!state.stream) return begun;
      const kind = delta.type === 'text_delta' ? 'text' : delta.type === 'thinking_delta' ? 'thinking' : null;
      const piece = kind === 'text' ? delta.text : kind === 'thinking' ? delta.thinking : '';
      if (kind === null || typeof piece !== 'string' || piece === '') return begun;
      const data = { messageId: `${state.stream.messageId}/${index}`, delta: piece };
      begun.outputs.push(state.turn ? { kind, turnId: state.turn.turnId, data } : { kind, data });
      return begun;
    }
    case 'message_start': {
      const messageId = stringOf(objectOf(event.message).id);
      begun.state = { ...begun.state, stream: messageId === '' ? null : { messageId, block: -1, whole: -1 } };
      return begun;
    }
    case 'content_block_start':
      if (state.stream) begun.state = { ...begun.state, stream: { ...state.stream, block: index } };
      return begun;
    default:
      return begun;
  }
}
