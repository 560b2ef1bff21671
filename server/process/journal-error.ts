import { AppError } from '../platform/app-error.ts';

export type JournalFault =
  /** The writer or tailer was closed while this waited. */
  | 'closed'
  /** A line was to be written elsewhere than at the file's end. */
  | 'misplaced'
  /** The file holds more than was ever recorded. */
  | 'longer'
  /** The file ends before the lines that are given; what is missing is not among them. */
  | 'shorter'
  /** The file holds other bytes than those recorded. */
  | 'different'
  /** The system refused for another reason than a full disk; see `cause`. */
  | 'system';

/** An error of a journal's files. `fault` tells programs what `message` tells people. */
export class JournalError extends AppError {
  readonly fault: JournalFault;

  constructor(fault: JournalFault, detail: string, cause?: unknown) {
    super('internal', detail, cause === undefined ? {} : { cause });
    this.name = 'JournalError';
    this.fault = fault;
  }
}
