import { advance, nothing, saying, turnOf } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, objectOf, stringOf } from '../json.ts';
import { startTurn } from './encode.ts';
import { openLine } from './launch.ts';
import { ownTold } from './own.ts';
import type { CodexState } from './state.ts';
import { inTurn } from './state.ts';
import { endTurn } from './turns.ts';
import { noUsage } from './usage.ts';

function messageOf(error: JsonObject): string {
  return cut(stringOf(error.message) || 'Codex refused a request and did not say why.', 4_000);
}

/** The conversation stands: codex takes messages. */
function threadReady(result: JsonObject, state: CodexState, begun: 'new' | 'known'): Decoded<CodexState> {
  const threadId = stringOf(objectOf(result.thread).id);
  if (threadId === '' || state.threadId !== null) return nothing(state);
  const model = stringOf(result.model) || null;
  const effort = stringOf(result.reasoningEffort) || null;
  const next: CodexState = {
    ...state,
    phase: 'ready',
    threadId,
    modelNow: model,
    // One that goes on may have a model that was chosen before.
    modelOwn: state.model === null && begun === 'new' ? model : null,
    effortNow: effort,
    effortOwn: effort,
    total: begun === 'new' ? noUsage : null,
  };
  return sendQueued({ outputs: [{ kind: 'ready', agentSessionId: threadId }], replies: [], state: next });
}

/** Sends the message that waited, if none is inside codex now. */
export function sendQueued(decoded: Decoded<CodexState>): Decoded<CodexState> {
  const { state } = decoded;
  const [first, ...queued] = state.queued;
  if (!first || state.turn || state.threadId === null) return decoded;
  if (first.cancel === 'asked') {
    const cancelled: Output = { kind: 'turn.cancelled', turnId: first.message.turnId };
    return sendQueued({ ...decoded, outputs: [...decoded.outputs, cancelled], state: { ...state, queued } });
  }
  const begun = startTurn(first.message, { ...state, threadId: state.threadId, queued });
  return { ...decoded, replies: [...decoded.replies, ...begun.lines], state: begun.state };
}

/** Codex begins no conversation. It takes messages all the same: each tries again, and fails with the reason. */
function threadFailed(error: JsonObject, state: CodexState): Decoded<CodexState> {
  if (state.threadId !== null) return nothing(state);
  const detail = messageOf(error);
  const outputs: Output[] = state.phase === 'starting' ? [{ kind: 'ready', agentSessionId: null }] : [];
  if (state.queued.length === 0) outputs.push({ kind: 'notice', data: { code: 'start-failed', detail } });
  for (const { message, cancel } of state.queued) {
    const { turnId } = message;
    outputs.push(cancel === 'asked' ? { kind: 'turn.cancelled', turnId } : { kind: 'turn.failed', turnId, code: 'start-failed', detail });
  }
  return { outputs, replies: [], state: { ...state, phase: 'ready', queued: [] } };
}

/** How codex says that it has no such conversation, or none of it that can be read; anything else may pass, and loses none. */
const unknownThread =
  /no (?:rollout|thread|session|conversation) found|(?:thread|session|conversation) (?:\S+ )?(?:not found|does not exist)|no such (?:thread|session)|rollout at .* (?:is empty|does not start with session metadata)/i;

function threadRefused(error: JsonObject, state: CodexState): Decoded<CodexState> {
  if (state.threadId !== null) return nothing(state);
  if (!unknownThread.test(messageOf(error))) return threadFailed(error, state);
  const refused: Output = { kind: 'refused', detail: messageOf(error) };
  const next: CodexState = { ...state, opening: { from: 'nothing' } };
  return { outputs: [refused], replies: [openLine(next)], state: next };
}

/** The answer to one of our requests, which its id names. */
export function decodeResponse(id: string, line: JsonObject, state: CodexState): Decoded<CodexState> | null {
  const failed = 'error' in line;
  const error = objectOf(line.error);
  const result = objectOf(line.result);
  if (id === 'holdfast-thread') return failed ? threadRefused(error, state) : threadReady(result, state, 'known');
  if (id === 'holdfast-new-thread') return failed ? threadFailed(error, state) : threadReady(result, state, 'new');
  if (id === 'holdfast-config' || id === 'holdfast-models') return decodeOwn(id, failed ? null : result, state);
  if (state.turn && id === state.turn.requestId) return turnAnswered(failed ? error : null, result, state);
  if (!id.startsWith('holdfast-')) return null;
  // Whoever interrupts or steers a turn that has just ended is told that there is none.
  if (!failed || /^holdfast-(interrupt|steer|turn)-/.test(id)) return nothing(state);
  return saying(state, { kind: 'notice', ...turnOf(state), data: { code: 'control-failed', detail: messageOf(error) } });
}

/** What codex does by itself, which it is asked for before a conversation that goes on is opened. */
function decodeOwn(id: string, result: JsonObject | null, state: CodexState): Decoded<CodexState> {
  const next: CodexState = { ...state, own: ownTold(id, result, state.own) };
  const opens = id === 'holdfast-config' && state.own?.config === undefined && state.phase === 'starting' && state.threadId === null;
  return { outputs: [], replies: opens ? [openLine(next)] : [], state: next };
}

function turnAnswered(error: JsonObject | null, result: JsonObject, state: CodexState): Decoded<CodexState> {
  const { turn } = state;
  if (!turn) return nothing(state);
  if (error) {
    const failed: Output = { kind: 'turn.failed', turnId: turn.turnId, code: 'agent-error', detail: messageOf(error) };
    return endTurn(state, turn.cancel === 'no' ? failed : { kind: 'turn.cancelled', turnId: turn.turnId });
  }
  const codexTurnId = stringOf(objectOf(result.turn).id);
  return advance(codexTurnId === '' ? state : inTurn(state, { codexTurnId }), 'acknowledged');
}
