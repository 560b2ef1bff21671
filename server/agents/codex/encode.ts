import { AppError } from '../../platform/app-error.ts';
import type { DriverCommand, Encoded, MessagePart } from '../driver.ts';
import { objectOf } from '../json.ts';
import { approvalPolicy, sandboxOf, sandboxPolicy } from './policy.ts';
import type { TurnStartParams, UserInput } from './protocol.ts';
import { openLine } from './launch.ts';
import { ownEffort, ownModel } from './own.ts';
import { allowLine, cancelLine, denyLine } from './decisions.ts';
import { requestLine, responseLine } from './rpc.ts';
import type { CodexState, Message, PendingRequest } from './state.ts';
import { inTurn } from './state.ts';

function textInput(text: string): UserInput {
  return { type: 'text', text, text_elements: [] };
}

function inputOf(text: string, parts: MessagePart[]): UserInput[] {
  const images = parts.filter((part) => part.type === 'image');
  const files = parts.filter((part) => part.type === 'file');
  const input: UserInput[] = images.map(({ mimeType, data }) => ({ type: 'image', url: `data:${mimeType};base64,${data}` }));
  if (files.length) input.push(textInput(['Attached files:', ...files.map((file) => `- ${file.name}: ${file.path}`)].join('\n')));
  if (text !== '' || !input.length) input.push(textInput(text));
  return input;
}

/** Begins a turn, with the mode and the model that hold from now on where they are not the conversation's. */
export function startTurn(message: Message, state: CodexState & { threadId: string }): Encoded<CodexState> {
  const requests = state.requests + 1;
  const requestId = `holdfast-turn-${requests}`;
  const sandbox = sandboxOf(state.mode);
  const model = state.model ?? ownModel(state);
  const effort = state.effort ?? ownEffort(state, model ?? state.modelNow);
  const params: TurnStartParams = {
    threadId: state.threadId,
    clientUserMessageId: message.agentMessageId,
    input: inputOf(message.text, message.parts),
    approvalPolicy: approvalPolicy(state.mode),
    ...(sandbox === state.sandbox ? {} : { sandboxPolicy: sandboxPolicy(sandbox) }),
    ...(model === null || model === state.modelNow ? {} : { model }),
    ...(effort === null || effort === (state.effortNow ?? null) ? {} : { effort }),
  };
  const turn = {
    turnId: message.turnId,
    agentMessageId: message.agentMessageId,
    requestId,
    codexTurnId: null,
    phase: 'written',
    cancel: 'no',
    text: '',
    usage: null,
    tools: [],
    trouble: null,
  } as const;
  const next = {
    ...state,
    requests,
    sandbox,
    modelNow: model ?? state.modelNow,
    effortNow: effort ?? state.effortNow ?? null,
    turn: { ...turn, tools: [] },
  };
  return { lines: [requestLine(requestId, 'turn/start', params)], state: next };
}

/** Asks codex to give up the turn that it runs. */
export function interruptTurn(state: CodexState): Encoded<CodexState> {
  const { turn, threadId } = state;
  if (!turn || turn.codexTurnId === null || threadId === null) return { lines: [], state };
  const requests = state.requests + 1;
  const line = requestLine(`holdfast-interrupt-${requests}`, 'turn/interrupt', { threadId, turnId: turn.codexTurnId });
  return { lines: [line], state: inTurn({ ...state, requests }, { cancel: 'sent' }) };
}

function cancel(state: CodexState): Encoded<CodexState> {
  if (!state.turn) return { lines: [], state: { ...state, queued: state.queued.map(({ message }) => ({ message, cancel: 'asked' })) } };
  // Before it has said that the turn is started, codex would answer that there is none, and go on.
  if (state.turn.phase !== 'running') return { lines: [], state: inTurn(state, { cancel: 'asked' }) };
  const { lines, state: next } = interruptTurn(state);
  return { lines: [...lines, ...state.pending.map(cancelLine)], state: { ...next, pending: [] } };
}

function pendingOf(state: CodexState, id: string, what: 'approval' | 'question'): PendingRequest {
  const found = state.pending.find((request) => request.id === id && (what === 'question') === (request.kind === 'question'));
  if (!found) throw new AppError(what === 'approval' ? 'approval-not-found' : 'question-not-found', `No ${what} ${id} is open.`);
  return found;
}

function without(state: CodexState, request: PendingRequest): CodexState {
  return { ...state, pending: state.pending.filter((other) => other !== request) };
}

function deny(command: DriverCommand & { kind: 'deny' }, state: CodexState): Encoded<CodexState> {
  const request = state.pending.find((other) => other.id === command.approvalId);
  if (!request) throw new AppError('approval-not-found', `No approval ${command.approvalId} is open.`);
  const lines = [denyLine(request)];
  const next = without(state, request);
  const { turn, threadId } = state;
  if (command.message === '' || !turn || turn.codexTurnId === null || threadId === null) return { lines, state: next };
  // A decision has no room for words: they go into the turn beside it.
  const requests = state.requests + 1;
  const input = [textInput(command.message)];
  lines.push(requestLine(`holdfast-steer-${requests}`, 'turn/steer', { threadId, expectedTurnId: turn.codexTurnId, input }));
  return { lines, state: { ...next, requests } };
}

/** A command as the lines that codex takes. */
export function encode(command: DriverCommand, state: CodexState): Encoded<CodexState> {
  switch (command.kind) {
    case 'message': {
      const { threadId } = state;
      if (threadId !== null && !state.turn) return startTurn(command, { ...state, threadId });
      const next: CodexState = { ...state, queued: [...state.queued, { message: command, cancel: 'no' }] };
      // What kept codex from beginning a conversation may be mended by now.
      return { lines: threadId === null && state.phase === 'ready' ? [openLine(state)] : [], state: next };
    }
    case 'cancel':
      return cancel(state);
    case 'approve': {
      const request = pendingOf(state, command.approvalId, 'approval');
      return { lines: [allowLine(request, command.always)], state: without(state, request) };
    }
    case 'deny':
      return deny(command, state);
    case 'answer': {
      const request = pendingOf(state, command.questionId, 'question');
      const questions = request.kind === 'question' ? request.questions : [];
      const given = objectOf(command.answers);
      const answers = Object.fromEntries(questions.map(({ id, question }) => [id, { answers: answerTexts(given[question]) }]));
      return { lines: [responseLine(request.requestId, { answers })], state: without(state, request) };
    }
    case 'setModel':
      return { lines: [], state: { ...state, model: command.model } };
    case 'setEffort':
      return { lines: [], state: { ...state, effort: command.effort } };
    case 'setMode':
      return { lines: [], state: { ...state, mode: command.mode } };
  }
}

function answerTexts(answer: unknown): string[] {
  return typeof answer === 'string' ? [answer] : [];
}
