import type { CancelNotification, ContentBlock } from '@agentclientprotocol/sdk';
import type { AcpProfile } from '../../contracts/acp-profile.ts';
import { AppError } from '../../platform/app-error.ts';
import type { DriverCommand, Encoded, MessagePart } from '../driver.ts';
import { notOffered, setEffortCall, setModeCall, setModelCall } from './manner.ts';
import { initialize, noImages, prompt } from './open.ts';
import { cancelled, choose } from './permission.ts';
import { call, notify } from './rpc.ts';
import type { AcpState, PendingApproval } from './state.ts';

function contentOf(text: string, parts: MessagePart[], state: AcpState): ContentBlock[] {
  const images = parts.filter((part) => part.type === 'image');
  if (images.length > 0 && state.phase === 'ready' && !state.offers.images) {
    throw new AppError('not-supported', noImages);
  }
  const content: ContentBlock[] = images.map(({ mimeType, data }) => ({ type: 'image', mimeType, data }));
  const files = parts.filter((part) => part.type === 'file');
  if (files.length > 0)
    content.push({ type: 'text', text: ['Attached files:', ...files.map((file) => `- ${file.name}: ${file.path}`)].join('\n') });
  if (text !== '' || content.length === 0) content.push({ type: 'text', text });
  return content;
}

function message(command: DriverCommand & { kind: 'message' }, state: AcpState): Encoded<AcpState> {
  const held: AcpState = {
    ...state,
    turn: {
      turnId: command.turnId,
      phase: 'held',
      cancel: 'no',
      prompt: contentOf(command.text, command.parts, state),
      block: null,
      blocks: 0,
      failure: null,
      costBefore: null,
    },
  };
  if (state.phase === 'closed') {
    const again = initialize(held);
    return { lines: [again.line], state: again.state };
  }
  // While a mode or a model is being set, the agent could run the message in the old one.
  if (state.phase !== 'ready' || state.calls.length > 0) return { lines: [], state: held };
  const sent = prompt(held);
  return { lines: [sent.line], state: sent.state };
}

function pendingApproval(state: AcpState, id: string): PendingApproval {
  const found = state.pending.find((request) => request.id === id);
  if (!found) throw new AppError('approval-not-found', `No approval ${id} is open.`);
  return found;
}

function settled(state: AcpState, request: PendingApproval, line: string): Encoded<AcpState> {
  return { lines: [line], state: { ...state, pending: state.pending.filter((other) => other !== request) } };
}

/** Approvals that are open are answered too: some agents wait for them before they give up. */
function cancel(state: AcpState): Encoded<AcpState> {
  if (!state.turn) return { lines: [], state };
  const asked: AcpState = { ...state, turn: { ...state.turn, cancel: 'asked' }, pending: [] };
  if (state.turn.phase === 'held') return { lines: [], state: asked };
  const line = notify('session/cancel', { sessionId: state.agentSessionId ?? '' } satisfies CancelNotification);
  return { lines: [line, ...state.pending.map(cancelled)], state: asked };
}

function set(state: AcpState, wanted: ReturnType<typeof setModeCall>): Encoded<AcpState> {
  if (wanted === null) return { lines: [], state };
  const { line, state: next } = call(state, wanted.about, wanted.method, wanted.params);
  return { lines: [line], state: next };
}

/** Sets what is wanted, and tells where that can't be. */
function chosen(about: 'model' | 'effort', state: AcpState, wanted: string | null, by: ReturnType<typeof setModelCall>): Encoded<AcpState> {
  return by === null && wanted !== null ? { lines: [], state, notices: [notOffered(about)] } : set(state, by);
}

/** A command as the lines that the agent takes. */
export function encode(command: DriverCommand, state: AcpState, profile: AcpProfile): Encoded<AcpState> {
  switch (command.kind) {
    case 'message':
      return message(command, state);
    case 'cancel':
      return cancel(state);
    case 'approve': {
      const request = pendingApproval(state, command.approvalId);
      return settled(state, request, command.always ? choose(request, 'allow_always') : choose(request, 'allow_once'));
    }
    case 'deny': {
      const request = pendingApproval(state, command.approvalId);
      return settled(state, request, choose(request, 'reject_once', 'reject_always'));
    }
    case 'answer':
      throw new AppError('question-not-found', `No question ${command.questionId} is open.`);
    case 'setMode':
      return set({ ...state, mode: command.mode }, setModeCall(state, command.mode, profile));
    case 'setEffort': {
      const wanted: AcpState = { ...state, effort: command.effort };
      // It is set when the model is.
      if (state.calls.some(({ about }) => about === 'model')) return { lines: [], state: wanted };
      const effort = command.effort ?? state.ownEffort ?? null;
      return chosen('effort', wanted, command.effort, effort === null ? null : setEffortCall(state, effort));
    }
    case 'setModel': {
      const model = command.model ?? state.ownModel;
      return chosen('model', { ...state, model: command.model }, command.model, model === null ? null : setModelCall(state, model));
    }
  }
}
