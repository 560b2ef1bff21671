import type { DataOf } from '../../contracts/events.ts';
import { nothing, saying, turnOf, withdrawn } from '../decoded.ts';
import type { Decoded } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { listOf, objectOf, stringOf, toLine } from '../json.ts';
import { optionsOf } from '../texts.ts';
import { alwaysUpdates, responseLine } from './encode.ts';
import type { ClaudeState } from './state.ts';
import { alwaysLabel, titleOf } from './titles.ts';

type Questions = DataOf<'question.asked'>['questions'];

function questionsOf(input: JsonObject): Questions {
  return listOf(input.questions)
    .map(objectOf)
    .map((question) => ({
      question: stringOf(question.question),
      ...(typeof question.header === 'string' ? { header: question.header } : {}),
      ...(typeof question.multiSelect === 'boolean' ? { multiSelect: question.multiSelect } : {}),
      options: optionsOf(question),
    }));
}

/** A request of the agent: leave to use a tool, or a question. Anything else is refused, so that the agent doesn't wait for ever. */
export function decodeControlRequest(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> | null {
  const id = stringOf(line.request_id);
  const request = objectOf(line.request);
  if (id === '') return null;
  if (request.subtype !== 'can_use_tool') {
    const error = `Not supported: ${stringOf(request.subtype)}`;
    const reply = toLine({ type: 'control_response', response: { subtype: 'error', request_id: id, error } });
    return { outputs: [{ kind: 'notice', ...turnOf(state), data: { code: 'control-refused', detail: error } }], replies: [reply], state };
  }
  const tool = stringOf(request.tool_name) || 'tool';
  const input = objectOf(request.input);
  const before = state.pending.find((other) => other.id === id);
  if (before && JSON.stringify(before.input) === JSON.stringify(input)) return nothing(state);
  // The same id with another input: what was asked first is asked no more.
  const others = before ? state.pending.filter((other) => other !== before) : state.pending;
  if (tool === 'AskUserQuestion') {
    const pending = [...others, { kind: 'question', id, input } as const];
    return saying(
      { ...state, pending },
      { kind: 'question.asked', ...turnOf(state), data: { questionId: id, questions: questionsOf(input) } },
    );
  }
  if (state.mode === 'auto') return { outputs: [], replies: [responseLine(id, { behavior: 'allow', updatedInput: input })], state };
  const suggestions = listOf(request.permission_suggestions).map(objectOf);
  const options: DataOf<'approval.requested'>['options'] = [{ id: 'allow', label: 'Allow', decision: 'allow' }];
  if (suggestions.length) options.push({ id: 'allow-always', label: alwaysLabel(alwaysUpdates(suggestions)), decision: 'allow-always' });
  options.push({ id: 'deny', label: 'Deny', decision: 'deny' });
  const data = { approvalId: id, tool, title: titleOf(tool, input), input, options, expiresAt: null };
  const pending = [...others, { kind: 'approval', id, input, suggestions } as const];
  return saying({ ...state, pending }, { kind: 'approval.requested', ...turnOf(state), data });
}

/** The agent takes back what it had asked, as it does after an interrupt. */
export function decodeControlCancel(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const request = state.pending.find((other) => other.id === line.request_id);
  if (!request) return nothing(state);
  return saying({ ...state, pending: state.pending.filter((other) => other !== request) }, withdrawn(request, state));
}

/** An answer to one of our requests; the first one to `initialize` says that the agent takes messages. */
export function decodeControlResponse(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const response = objectOf(line.response);
  const id = stringOf(response.request_id);
  // The CLI also echoes our own answers.
  if (!id.startsWith('holdfast-')) return nothing(state);
  if (response.subtype === 'error') {
    const detail = stringOf(response.error) || 'The agent refused a request.';
    return saying(state, { kind: 'notice', ...turnOf(state), data: { code: 'control-failed', detail } });
  }
  const queued = listOf(objectOf(response.response).still_queued);
  if (state.turn?.cancel === 'asked' && queued.includes(state.turn.agentMessageId)) {
    return nothing({ ...state, turn: { ...state.turn, cancel: 'missed' } });
  }
  if (id !== 'holdfast-initialize' || state.phase === 'ready') return nothing(state);
  return saying({ ...state, phase: 'ready' }, { kind: 'ready', agentSessionId: null });
}
