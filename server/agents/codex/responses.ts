import type { Decoded, Output } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, objectOf, stringOf } from '../json.ts';
import { startTurn } from './encode.ts';
import { newThreadLine } from './launch.ts';
import type { CodexState } from './state.ts';
import { advance, inTurn, nothing, saying, turnOf } from './state.ts';
import { endTurn } from './turns.ts';
import { noUsage } from './usage.ts';

function messageOf(error: JsonObject): string {
  return cut(stringOf(error.message) || 'Codex refused a request and did not say why.', 4_000);
}

/** The conversation stands: codex takes messages. */
function threadReady(result: JsonObject, state: CodexState, begun: 'new' | 'known'): Decoded<CodexState> {
  const threadId = stringOf(objectOf(result.thread).id);
  if (threadId === '' || state.phase === 'ready') return nothing(state);
  const model = stringOf(result.model) || null;
  const effort = stringOf(result.reasoningEffort) || null;
  const next: CodexState = {
    ...state,
    phase: 'ready',
    threadId,
    modelNow: model,
    modelOwn: state.model === null ? model : null,
    effortNow: effort,
    effortOwn: effort,
    total: begun === 'new' ? noUsage : null,
  };
  return sendQueued({ outputs: [{ kind: 'ready', agentSessionId: threadId }], replies: [], state: next });
}

/** Sends the message that waited, if none is inside codex now. */
export function sendQueued(decoded: Decoded<CodexState>): Decoded<CodexState> {
  const { state } = decoded;
  const [message, ...queued] = state.queued;
  if (!message || state.turn || state.threadId === null) return decoded;
  const begun = startTurn(message, { ...state, threadId: state.threadId, queued });
  return { ...decoded, replies: [...decoded.replies, ...begun.lines], state: begun.state };
}

function threadRefused(error: JsonObject, state: CodexState): Decoded<CodexState> {
  if (state.phase === 'ready') return nothing(state);
  const refused: Output = { kind: 'refused', detail: messageOf(error) };
  return { outputs: [refused], replies: [newThreadLine(state)], state: { ...state, resumed: false } };
}

/** The answer to one of our requests, which its id names. */
export function decodeResponse(id: string, line: JsonObject, state: CodexState): Decoded<CodexState> | null {
  const failed = 'error' in line;
  const error = objectOf(line.error);
  const result = objectOf(line.result);
  if (id === 'holdfast-thread') return failed ? threadOrNotice(error, state) : threadReady(result, state, state.resumed ? 'known' : 'new');
  if (id === 'holdfast-new-thread' && !failed) return threadReady(result, state, 'new');
  if (state.turn && id === state.turn.requestId) return turnAnswered(failed ? error : null, result, state);
  if (!id.startsWith('holdfast-')) return null;
  // Whoever interrupts or steers a turn that has just ended is told that there is none.
  if (!failed || /^holdfast-(interrupt|steer|turn)-/.test(id)) return nothing(state);
  return saying(state, { kind: 'notice', ...turnOf(state), data: { code: 'control-failed', detail: messageOf(error) } });
}

function threadOrNotice(error: JsonObject, state: CodexState): Decoded<CodexState> {
  if (state.resumed) return threadRefused(error, state);
  return saying(state, { kind: 'notice', ...turnOf(state), data: { code: 'control-failed', detail: messageOf(error) } });
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
