import type { ErrorCode } from './error-codes.ts';
import { errorCodes } from './error-codes.ts';

/** What a caller gets to know about an error beside its code and sentence. */
export interface ErrorExtras {
  /** One entry for each field that is wrong. */
  fields?: { field: string; message: string }[];
  /** Seconds after which trying again makes sense. */
  retryAfter?: number;
  /** Further members of the problem details. */
  members?: Record<string, unknown>;
  cause?: unknown;
}

/** The only kind of error that leaves a layer: a stable code, and a sentence that its reader can act on. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly extras: ErrorExtras;

  constructor(code: ErrorCode, detail: string, extras: ErrorExtras = {}) {
    super(detail, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'AppError';
    this.code = code;
    this.extras = extras;
  }

  /** The HTTP status that this code always has. */
  get status(): number {
    return errorCodes[this.code].status;
  }
}

/** The sentence of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system or SQLite error, such as ENOSPC or SQLITE_FULL. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether an error says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_WRITE';
}
