import { AppError } from '../../platform/app-error.ts';
import type { DriverCommand, Encoded, MessagePart } from '../driver.ts';
import { type JsonObject, toLine } from '../json.ts';
import { cliMode } from './launch.ts';
import type { ClaudeState, PendingRequest } from './state.ts';

function control(state: ClaudeState, request: JsonObject, change: Partial<ClaudeState> = {}): Encoded<ClaudeState> {
  const requests = state.requests + 1;
  const line = toLine({ type: 'control_request', request_id: `holdfast-${requests}`, request });
  return { lines: [line], state: { ...state, ...change, requests } };
}

/** Asks the agent to give up the turn that it runs. */
export function interrupt(state: ClaudeState): Encoded<ClaudeState> {
  if (!state.turn) return { lines: [], state };
  return control(state, { subtype: 'interrupt' }, { turn: { ...state.turn, cancel: 'asked' } });
}

/** The answer to a request of the agent, as its line. */
export function responseLine(requestId: string, response: JsonObject): string {
  return toLine({ type: 'control_response', response: { subtype: 'success', request_id: requestId, response } });
}

function contentOf(text: string, parts: MessagePart[]): JsonObject[] {
  const images = parts.filter((part) => part.type === 'image');
  const files = parts.filter((part) => part.type === 'file');
  const content: JsonObject[] = images.map(({ mimeType, data }) => ({
    type: 'image',
    source: { type: 'base64', media_type: mimeType, data },
  }));
  if (files.length)
    content.push({ type: 'text', text: ['Attached files:', ...files.map((file) => `- ${file.name}: ${file.path}`)].join('\n') });
  // The API refuses empty text blocks, and a message of attachments alone is fine.
  if (text !== '' || !content.length) content.push({ type: 'text', text });
  return content;
}

function settle(state: ClaudeState, request: PendingRequest, response: JsonObject): Encoded<ClaudeState> {
  return { lines: [responseLine(request.id, response)], state: { ...state, pending: state.pending.filter((other) => other !== request) } };
}

function pendingApproval(state: ClaudeState, id: string): PendingRequest & { kind: 'approval' } {
  const found = state.pending.find((request) => request.id === id);
  if (found?.kind !== 'approval') throw new AppError('approval-not-found', `No approval ${id} is open.`);
  return found;
}

/** What "always" means: the rules that the CLI suggests; its other suggestions (a wider mode) only where it has no rules. */
export function alwaysUpdates(suggestions: JsonObject[]): JsonObject[] {
  const narrow = suggestions.filter((suggestion) => suggestion.type !== 'setMode');
  return narrow.some((suggestion) => suggestion.type === 'addRules') ? narrow : suggestions;
}

/** A command as the lines that the CLI takes. */
export function encode(command: DriverCommand, state: ClaudeState): Encoded<ClaudeState> {
  switch (command.kind) {
    case 'message': {
      const uuid = command.agentMessageId;
      const line = toLine({ type: 'user', uuid, message: { role: 'user', content: contentOf(command.text, command.parts) } });
      const turn = { turnId: command.turnId, agentMessageId: uuid, phase: 'written', cancel: 'no' } as const;
      return { lines: [line], state: { ...state, turn, apiError: null } };
    }
    case 'cancel':
      // The CLI withdraws what it had asked by itself (control_cancel_request).
      return interrupt(state);
    case 'approve': {
      const request = pendingApproval(state, command.approvalId);
      const response: JsonObject = { behavior: 'allow', updatedInput: command.updatedInput ?? request.input };
      if (command.always) response.updatedPermissions = alwaysUpdates(request.suggestions);
      return settle(state, request, response);
    }
    case 'deny': {
      const request = state.pending.find((other) => other.id === command.approvalId);
      if (!request) throw new AppError('approval-not-found', `No approval ${command.approvalId} is open.`);
      return settle(state, request, { behavior: 'deny', message: command.message || 'The user does not want this.' });
    }
    case 'answer': {
      const request = state.pending.find((other) => other.id === command.questionId);
      if (request?.kind !== 'question') throw new AppError('question-not-found', `No question ${command.questionId} is open.`);
      return settle(state, request, { behavior: 'allow', updatedInput: { ...request.input, answers: command.answers } });
    }
    case 'setModel':
      return control(state, { subtype: 'set_model', ...(command.model === null ? {} : { model: command.model }) });
    case 'setEffort':
      // A setting of this process alone; null takes it back.
      return control(state, { subtype: 'apply_flag_settings', settings: { effortLevel: command.effort } });
    case 'setMode':
      return control(state, { subtype: 'set_permission_mode', mode: cliMode(command.mode) }, { mode: command.mode });
  }
}
