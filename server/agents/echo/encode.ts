import { AppError } from '../../platform/app-error.ts';
import type { DriverCommand, Encoded } from '../driver.ts';
import { toLine } from '../json.ts';
import type { EchoInput } from './protocol.ts';
import type { EchoState } from './state.ts';

function sending(input: EchoInput, state: EchoState): Encoded<EchoState> {
  return { lines: [toLine(input)], state };
}

function settled(id: string, kinds: string[], state: EchoState): EchoState {
  const pending = state.pending.filter((request) => request.id !== id || !kinds.includes(request.kind));
  if (pending.length < state.pending.length) return { ...state, pending };
  if (kinds.includes('approval')) throw new AppError('approval-not-found', `No approval ${id} is open.`);
  throw new AppError('question-not-found', `No question ${id} is open.`);
}

/** A command as the line that the program takes. */
export function encode(command: DriverCommand, state: EchoState): Encoded<EchoState> {
  switch (command.kind) {
    case 'message': {
      const files = command.parts.map((part) => (part.type === 'file' ? part.name : part.mimeType));
      const turn = { turnId: command.turnId, agentMessageId: command.agentMessageId };
      return sending({ type: 'message', id: command.agentMessageId, text: command.text, files }, { ...state, turn });
    }
    case 'cancel':
      return state.turn ? sending({ type: 'cancel' }, state) : { lines: [], state };
    case 'approve':
      return sending(
        { type: 'decision', id: command.approvalId, allow: true, reason: '' },
        settled(command.approvalId, ['approval'], state),
      );
    case 'deny': {
      const next = settled(command.approvalId, ['approval', 'question'], state);
      return sending({ type: 'decision', id: command.approvalId, allow: false, reason: command.message }, next);
    }
    case 'answer':
      return sending(
        { type: 'answers', id: command.questionId, answers: command.answers },
        settled(command.questionId, ['question'], state),
      );
    case 'setModel':
    case 'setEffort':
      return { lines: [], state };
    case 'setMode':
      return { lines: [], state: { ...state, mode: command.mode } };
  }
}
