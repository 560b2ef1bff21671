import type { Cell } from '../cell.ts';
import { commit } from '../cell.ts';
import { markWritten } from '../turns/dispatch.ts';
import type { PendingLine } from './incarnation.ts';
import type { Mailbox } from '../mailbox.ts';

/** Writes recorded lines into `in`, in order; each is marked when it stands there. */
export function writeLines(cell: Cell, mailbox: Mailbox, lines: readonly PendingLine[]): void {
  const { incarnation, context, key } = cell;
  if (!incarnation) return;
  for (const line of lines) {
    incarnation.write(line).then(
      () => {
        if (line.turnId !== undefined) context.probe('written');
        mailbox.post('mark', () => markWritten(cell, incarnation, line));
      },
      (error: unknown) => context.logger.debug({ error, sessionId: key.id }, 'a line was not written: its process ended'),
    );
  }
}

/** Marks lines that a repair has put into `in`. */
export function markRepaired(cell: Cell, mailbox: Mailbox, lines: readonly PendingLine[]): void {
  const { incarnation } = cell;
  if (incarnation) for (const line of lines) mailbox.post('mark', () => markWritten(cell, incarnation, line));
}

/** A line waits for room on the disk: clients are told, unless the store has no room either. */
export function tellStalled(cell: Cell, mailbox: Mailbox, error: unknown): void {
  const { logger } = cell.context;
  logger.warn({ error, sessionId: cell.key.id }, 'a line cannot be written now; it waits');
  const notice = { code: 'disk-full', detail: 'The disk is full: what the agent is to be told waits until there is room.' };
  mailbox
    .ask(() => commit(cell, (recording) => recording.addToTurn('agent', 'notice', notice)))
    .catch((cause: unknown) => logger.debug({ error: cause, sessionId: cell.key.id }, 'nor can that be told'));
}
