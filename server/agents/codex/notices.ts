import { nothing, saying, turnOf } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, numberOf, objectOf, stringOf } from '../json.ts';
import type { NotificationMethod } from './protocol.ts';
import type { CodexState } from './state.ts';

/** Known notifications that say nothing to a user, or say again what others have said. */
const silent = new Set<string>([
  'thread/started',
  'thread/status/changed',
  'thread/name/updated',
  'thread/settings/updated',
  'thread/closed',
  'thread/compacted',
  'thread/goal/updated',
  'thread/goal/cleared',
  'thread/readState/changed',
  'thread/queue/changed',
  'thread/environment/connected',
  'thread/environment/disconnected',
  'skills/changed',
  'hook/started',
  'hook/completed',
  'turn/diff/updated',
  'turn/moderationMetadata',
  'rawResponseItem/completed',
  'rawResponse/completed',
  'item/commandExecution/outputDelta',
  'item/commandExecution/terminalInteraction',
  'item/fileChange/outputDelta',
  'item/fileChange/patchUpdated',
  'item/autoApprovalReview/started',
  'item/autoApprovalReview/completed',
  'mcpServer/startupStatus/updated',
  'mcpServer/event/stream/notification',
  'account/updated',
  'app/list/updated',
  'remoteControl/status/changed',
  'fs/changed',
  'model/verification',
  'model/safetyBuffering/updated',
  'project/changed',
] satisfies NotificationMethod[]);

/** Whether a notification is known and no news. */
export function isSilent(method: string): boolean {
  return silent.has(method);
}

function textOf(method: string, params: JsonObject): string | null {
  switch (method as NotificationMethod) {
    case 'warning':
    case 'guardianWarning':
      return stringOf(params.message);
    case 'configWarning':
    case 'deprecationNotice':
      return [stringOf(params.summary), stringOf(params.details)].filter((text) => text !== '').join(' ');
    case 'model/rerouted':
      return `Another model answers: ${stringOf(params.toModel) || 'codex did not say which'}.`;
    default:
      return null;
  }
}

/** What codex warns of; null for a notification that is not known. */
export function decodeNotice(method: string, params: JsonObject, state: CodexState): Decoded<CodexState> | null {
  const text = textOf(method, params);
  if (text === null) return null;
  // What is wrong with the configuration is said at every start; once is enough for a conversation.
  if (text === '' || (method === 'configWarning' && state.opening.from !== 'nothing')) return nothing(state);
  return saying(state, { kind: 'notice', ...turnOf(state), data: { code: 'agent-warning', detail: cut(text, 2_000) } });
}

/** A time in seconds since 1970 as ISO text. */
function isoTime(seconds: unknown): string | null {
  const number = numberOf(seconds);
  return number === null || number < 0 || number > 1e11 ? null : new Date(number * 1000).toISOString();
}

/** The account's limits: news when one is reached, once. */
export function decodeRateLimits(params: JsonObject, state: CodexState): Decoded<CodexState> {
  const limits = objectOf(params.rateLimits);
  const windows = [objectOf(limits.primary), objectOf(limits.secondary)];
  const full = windows.filter((window) => (numberOf(window.usedPercent) ?? 0) >= 100);
  const reached = full.length > 0 || stringOf(limits.rateLimitReachedType) !== '';
  if (reached === (state.limit === 'reached')) return nothing(state);
  const next: CodexState = { ...state, limit: reached ? 'reached' : 'free' };
  if (!reached) return nothing(next);
  const times = (full.length ? full : windows).map((window) => isoTime(window.resetsAt)).filter((time) => time !== null);
  const output: Output = { kind: 'rate-limited', ...turnOf(state), data: { resetsAt: times.sort().at(-1) ?? null } };
  return saying(next, output);
}
