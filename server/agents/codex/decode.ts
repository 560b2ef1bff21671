import { nothing, saying, turnOf } from '../decoded.ts';
import type { Decoded } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, isShallow, objectOf, parseObject, stringOf } from '../json.ts';
import { decodeItem, decodeItemDelta, decodeProgress } from './items.ts';
import { decodeNotice, decodeRateLimits, isSilent } from './notices.ts';
import { decodeRequest, decodeResolved } from './requests.ts';
import { decodeResponse } from './responses.ts';
import type { CodexState } from './state.ts';
import { decodeError, decodePlan, decodeTurnCompleted, decodeTurnStarted } from './turns.ts';
import { decodeTokenUsage } from './usage.ts';

/** The most that is kept of a line that is not understood, in characters. */
const maxUnknown = 256 * 1024;

function unknown(line: string, state: CodexState): Decoded<CodexState> {
  const kept = cut(line, maxUnknown);
  const data = kept === line ? { line } : { line: kept, truncated: true };
  return saying(state, { kind: 'unknown', ...turnOf(state), data });
}

function notification(method: string, params: JsonObject, state: CodexState): Decoded<CodexState> | null {
  if (isSilent(method)) return nothing(state);
  // Agents that codex starts by itself have conversations of their own, which are not this one.
  if (typeof params.threadId === 'string' && state.threadId !== null && params.threadId !== state.threadId) return nothing(state);
  switch (method) {
    case 'item/agentMessage/delta':
    case 'item/plan/delta':
      return decodeItemDelta('text', params, state);
    case 'item/reasoning/summaryTextDelta':
    case 'item/reasoning/textDelta':
      return decodeItemDelta('thinking', params, state);
    case 'item/reasoning/summaryPartAdded':
      return params.summaryIndex === 0 ? nothing(state) : decodeItemDelta('thinking', { ...params, delta: '\n\n' }, state);
    case 'item/started':
    case 'item/completed':
      return decodeItem(method === 'item/started' ? 'started' : 'completed', params, state);
    case 'item/mcpToolCall/progress':
      return decodeProgress(stringOf(params.itemId), stringOf(params.message), state);
    case 'turn/started':
      return decodeTurnStarted(params, state);
    case 'turn/completed':
      return decodeTurnCompleted(params, state);
    case 'turn/plan/updated':
      return decodePlan(params, state);
    case 'error':
      return decodeError(params, state);
    case 'thread/tokenUsage/updated':
      return decodeTokenUsage(params, state);
    case 'account/rateLimits/updated':
      return decodeRateLimits(params, state);
    case 'serverRequest/resolved':
      return decodeResolved(params, state);
    default:
      return decodeNotice(method, params, state);
  }
}

function known(line: JsonObject, state: CodexState): Decoded<CodexState> | null {
  const { method, id } = line;
  const named = typeof id === 'string' || typeof id === 'number';
  if (typeof method === 'string') {
    return named ? decodeRequest(id, method, objectOf(line.params), state) : notification(method, objectOf(line.params), state);
  }
  return named && ('result' in line || 'error' in line) ? decodeResponse(String(id), line, state) : null;
}

/** A line of codex as what it means. Whatever can't be read becomes `unknown`; the same state comes back when nothing changed. */
export function decode(line: string, state: CodexState): Decoded<CodexState> {
  const parsed = parseObject(line);
  if (parsed === null) return unknown(line, state);
  return (isShallow(parsed) ? known(parsed, state) : null) ?? unknown(line, state);
}
