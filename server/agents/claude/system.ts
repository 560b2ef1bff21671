import { advance, nothing, saying, turnOf } from '../decoded.ts';
import type { Decoded, PermissionMode } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { numberOf, objectOf, stringOf } from '../json.ts';
import { interrupt } from './encode.ts';
import type { ClaudeState } from './state.ts';

/** Known lines that say nothing to a user. */
const silent = new Set([
  'thinking_tokens',
  'background_tasks_changed',
  'session_state_changed',
  'files_persisted',
  'hook_started',
  'hook_progress',
  'hook_response',
  'task_started',
  'task_progress',
  'task_updated',
  'task_notification',
]);

function decodeInit(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const begun = state.announces === 'yes' ? nothing(state) : advance(state, 'running');
  if (begun.state.phase === 'ready') return begun;
  begun.outputs.unshift({ kind: 'ready', agentSessionId: stringOf(line.session_id) || null });
  begun.state = { ...begun.state, phase: 'ready' };
  return begun;
}

const modes = new Map<unknown, PermissionMode>([
  ['default', 'ask'],
  ['acceptEdits', 'accept-edits'],
  ['plan', 'plan'],
]);

/** `status` names the mode when that has changed: by what we told it, by an edit allowed always, or by a plan begun or approved. */
function decodeStatus(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const mode = modes.get(line.permissionMode);
  // In `auto` we answer for its owner, whatever the CLI calls its own mode.
  if (mode === undefined || mode === state.mode || state.mode === 'auto') return nothing(state);
  return saying({ ...state, mode }, { kind: 'mode', mode });
}

/** A `system` line; null when its subtype is not known. */
export function decodeSystem(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> | null {
  const subtype = stringOf(line.subtype);
  if (silent.has(subtype)) return nothing(state);
  switch (subtype) {
    case 'init':
      return decodeInit(line, state);
    case 'status':
      return decodeStatus(line, state);
    case 'compact_boundary': {
      const about = objectOf(line.compact_metadata);
      const tokens = numberOf(about.pre_tokens);
      const detail = `The conversation was compacted${tokens === null ? '' : ` from ${tokens} tokens`}.`;
      return saying(state, { kind: 'compacted', ...turnOf(state), data: { detail } });
    }
    case 'api_retry': {
      const why = `${numberOf(line.error_status) ?? 'no answer'} ${stringOf(line.error)}`.trim();
      const wait = Math.round((numberOf(line.retry_delay_ms) ?? 0) / 100) / 10;
      const detail = `The model's API failed (${why}); try ${numberOf(line.attempt) ?? 1} of ${numberOf(line.max_retries) ?? '?'} in ${wait} s.`;
      return saying(state, { kind: 'notice', ...turnOf(state), data: { code: 'api-retry', detail } });
    }
    default:
      return null;
  }
}

/** `command_lifecycle`: what became of a message, by its uuid. */
export function decodeLifecycle(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const known: ClaudeState = state.announces === 'yes' ? state : { ...state, announces: 'yes' };
  if (!known.turn || stringOf(line.command_uuid).toLowerCase() !== known.turn.agentMessageId.toLowerCase()) return nothing(known);
  if (line.state === 'queued') return advance(known, 'acknowledged');
  if (line.state !== 'started') return nothing(known);
  const begun = advance(known, 'running');
  if (begun.state.turn?.cancel !== 'missed') return begun;
  const { lines, state: next } = interrupt(begun.state);
  return { ...begun, replies: lines, state: next };
}

/** The limit's reset as ISO time; the CLI gives seconds since 1970. */
function resetTime(seconds: unknown): string | null {
  const number = numberOf(seconds);
  return number === null || number < 0 || number > 1e11 ? null : new Date(number * 1000).toISOString();
}

/** `rate_limit_event`: printed also while all is well, which is no news. */
export function decodeRateLimit(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const info = objectOf(line.rate_limit_info);
  if (info.status === 'allowed') return nothing(state);
  const resetsAt = resetTime(info.resetsAt);
  if (info.status === 'allowed_warning') {
    const detail = `The account comes near its limit${resetsAt === null ? '' : `, which resets at ${resetsAt}`}.`;
    return saying(state, { kind: 'notice', ...turnOf(state), data: { code: 'rate-limit-near', detail } });
  }
  return saying(state, { kind: 'rate-limited', ...turnOf(state), data: { resetsAt } });
}
