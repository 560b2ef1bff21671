import type { Screen } from '../../agents/driver.ts';
import type { ScreenView } from '../../contracts/terminal.ts';
import { AppError } from '../../platform/app-error.ts';
import { isFull } from '../../process/preflight.ts';
import type { Cell, Committed } from '../cell.ts';
import { tell } from '../cell.ts';
import { liveTerminal } from './record-input.ts';

/** What a terminal shows after the event with this seq. */
export interface ScreenAnswer {
  id: string;
  seq: number;
  screen: Screen | null;
}

const PATIENCE_MS = 5_000;
/** Questions for one screen at a time. */
const MOST_ASKED = 32;

/** Asks a terminal for its screen; resolves with it and the place in the log that it stands for. Throws `session-busy`, `queue-full`, `disk-full`. */
export function askScreen(cell: Cell, lines: number): { result: { answer: Promise<ScreenView> }; committed: Committed } {
  const { incarnation, terminal } = liveTerminal(cell);
  if (cell.state.kind === 'paused') throw new AppError('session-busy', 'This terminal is paused; resume it first.');
  if (cell.screens.size >= MOST_ASKED) throw new AppError('queue-full', 'Too many ask for this screen at once.', { retryAfter: 1 });
  const id = cell.context.newId();
  const encoded = terminal.encode({ kind: 'screen', id, lines }, incarnation.state);
  const committed = tell(cell, incarnation, encoded, () => undefined);
  return { result: { answer: answerOf(cell, id, incarnation.folder) }, committed };
}

function answerOf(cell: Cell, id: string, folder: string): Promise<ScreenView> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      timer.cancel();
      cell.screens.delete(id);
      act();
    };
    const timer = cell.context.clock.after(PATIENCE_MS, () => settle(() => reject(silent(folder))));
    cell.screens.set(id, ({ seq, screen }) =>
      settle(() => (screen ? resolve({ sessionId: cell.key.id, cursor: seq, ...screen }) : reject(silent(folder)))),
    );
  });
}

/** Why there is no answer: what a terminal prints waits where its journal has no room. */
function silent(folder: string): AppError {
  if (isFull(folder)) return new AppError('disk-full', 'The disk is full: this terminal waits until there is room.', { retryAfter: 30 });
  return new AppError('session-busy', 'This terminal does not tell what it shows now. Try again in a moment.', { retryAfter: 1 });
}

/** Hands the answers of a committed batch to those who asked; who asked another server is gone. */
export function tellScreens(cell: Cell, answers: readonly ScreenAnswer[]): void {
  for (const answer of answers) cell.screens.get(answer.id)?.(answer);
}
