import { AppError } from '../../platform/app-error.ts';
import type { Cell, Committed } from '../cell.ts';
import { resumeIfNothingOpen } from '../approvals/record-request.ts';
import { commit, tell } from '../cell.ts';

/** Why we give up a turn that nobody cancelled: it will have failed with this. */
export interface GivenUp {
  code: string;
  detail: string;
}

/** Asks the agent to give up its turn and keep its process; a message that still waits is cancelled at once. */
export function requestCancel(cell: Cell, turnId: string | undefined, because?: GivenUp): Committed {
  const { store } = cell.context;
  const open = store.turns.open(cell.key.num);
  const target = turnId === undefined ? (cell.turn?.id ?? open[0]?.id) : open.find((turn) => turn.id === turnId)?.id;
  if (target === undefined) throw new AppError('nothing-to-cancel', 'No turn is running or waiting in this session.');
  const incarnation = cell.incarnation;
  if (!incarnation || target !== cell.turn?.id) {
    return { pending: [], effects: commit(cell, (recording) => recording.endQueued(target, { state: 'cancelled' })) };
  }
  const encoded = incarnation.driver.encode({ kind: 'cancel' }, incarnation.state);
  return tell(cell, incarnation, encoded, (recording) => {
    if (because) store.turns.setOutcome(target, JSON.stringify(because));
    // Whoever cancels a turn does not want what it asked for, even if it is allowed a moment later on another device.
    recording.withdrawRequests('cancelled');
    resumeIfNothingOpen(store, cell.key.num, recording);
  });
}

/**
 * Asks the agent to give up this turn, which will have failed with `because`. False where it was asked before, or can't be asked:
 * then only the end of its process helps.
 */
export function giveUpTurn(cell: Cell, turnId: string, because: GivenUp, take: (committed: Committed) => void): boolean {
  if (cell.turn?.id !== turnId) return true;
  if (cell.context.store.turns.byId(turnId)?.outcome !== null) return false;
  try {
    take(requestCancel(cell, turnId, because));
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-supported') return false;
    throw error;
  }
}
