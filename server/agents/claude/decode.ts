import { nothing, saying, turnOf } from '../decoded.ts';
import type { Decoded } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, isShallow, objectOf, parseObject, stringOf } from '../json.ts';
import { decodeControlCancel, decodeControlRequest, decodeControlResponse } from './control.ts';
import { decodeAssistant, decodeUser } from './messages.ts';
import { decodeResult } from './result.ts';
import type { ClaudeState } from './state.ts';
import { decodeStreamEvent } from './stream.ts';
import { decodeLifecycle, decodeRateLimit, decodeSystem } from './system.ts';

/** The most that is kept of a line that is not understood, in characters. */
const maxUnknown = 256 * 1024;

function unknown(line: string, state: ClaudeState): Decoded<ClaudeState> {
  const kept = cut(line, maxUnknown);
  const data = kept === line ? { line } : { line: kept, truncated: true };
  return saying(state, { kind: 'unknown', ...turnOf(state), data });
}

function toolProgress(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const seconds = objectOf(line).elapsed_time_seconds;
  const detail = typeof seconds === 'number' ? `Running for ${Math.round(seconds)} s` : 'Running';
  return saying(state, { kind: 'tool.updated', ...turnOf(state), data: { toolId: stringOf(line.tool_use_id), detail } });
}

function known(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> | null {
  switch (line.type) {
    case 'assistant':
      return decodeAssistant(line, state);
    case 'user':
      return decodeUser(line, state);
    case 'result':
      return decodeResult(line, state);
    case 'system':
      return decodeSystem(line, state);
    case 'command_lifecycle':
      return decodeLifecycle(line, state);
    case 'control_request':
      return decodeControlRequest(line, state);
    case 'control_response':
      return decodeControlResponse(line, state);
    case 'control_cancel_request':
      return decodeControlCancel(line, state);
    case 'rate_limit_event':
      return decodeRateLimit(line, state);
    case 'tool_progress':
      return toolProgress(line, state);
    case 'keep_alive':
    case 'auth_status':
    case 'tool_use_summary':
    case 'prompt_suggestion':
      return nothing(state);
    default:
      return null;
  }
}

/** A line of the CLI as what it means. Whatever can't be read becomes `unknown`; the same state comes back when nothing changed. */
export function decode(line: string, state: ClaudeState): Decoded<ClaudeState> {
  const parsed = parseObject(line);
  if (parsed === null) return unknown(line, state);
  if (parsed.type === 'stream_event') return decodeStreamEvent(parsed, state);
  return (isShallow(parsed) ? known(parsed, state) : null) ?? unknown(line, state);
}
