import type { Cell } from '../cell.ts';
import { Incarnation, type Batch, type IncarnationParts } from './incarnation.ts';
import { tellStalled } from './line-writer.ts';
import type { Mailbox } from '../mailbox.ts';

export interface AttachedTo {
  /** A job of the mailbox; a batch for which it throws comes again. */
  onBatch: (incarnation: Incarnation, batch: Batch) => void;
  /** Called once. */
  onGone: (incarnation: Incarnation) => void;
}

/** Makes a process that runs the session's own, and listens to it. */
export function attach(cell: Cell, mailbox: Mailbox, parts: IncarnationParts, { onBatch, onGone }: AttachedTo): Incarnation {
  const { context, key } = cell;
  const incarnation: Incarnation = new Incarnation(parts, {
    onBatch: (batch) => mailbox.ask(() => onBatch(incarnation, batch)),
    onGone: () => onGone(incarnation),
    onStalled: (error) => tellStalled(cell, mailbox, error),
    onError: (error) => context.logger.warn({ error, sessionId: key.id }, 'reading an agent failed; it is tried again'),
  });
  cell.incarnation = incarnation;
  return incarnation;
}
