import { nothing, saying } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import type { AcpState } from './state.ts';
import { endBlock, openTurn, running } from './state.ts';

/** A piece of what the model says, or thinks. */
export function piece(kind: 'text' | 'thinking', text: string, agentId: string, before: AcpState): Decoded<AcpState> {
  const turn = openTurn(before);
  if (text === '' || !turn) return nothing(before);
  const { block } = turn;
  // The hot path: one more piece of the same message.
  if (block?.kind === kind && block.agentId === agentId) {
    return saying(before, { kind, turnId: turn.turnId, data: { messageId: block.messageId, delta: text } });
  }
  const begun = running(before);
  const ended = endBlock(begun.state);
  const at = ended.state.turn ?? turn;
  const messageId = `m${at.blocks + 1}`;
  const state: AcpState = { ...ended.state, turn: { ...at, blocks: at.blocks + 1, block: { kind, messageId, agentId } } };
  const output: Output = { kind, turnId: turn.turnId, data: { messageId, delta: text } };
  return { outputs: [...begun.outputs, ...ended.outputs, output], replies: [], state };
}

/** What was held back as words that may tell of a failed call, said as a piece of the answer. */
export function doubted(state: AcpState): Decoded<AcpState> {
  const turn = openTurn(state);
  if (!turn || turn.failure === null) return nothing(state);
  return piece('text', turn.failure, '', { ...state, turn: { ...turn, failure: null } });
}
