import { AppError } from './app-error.ts';
import type { ErrorCode } from './error-codes.ts';
import { errorCodes } from './error-codes.ts';

/** Problem details as they are sent. */
export interface ProblemDetails {
  [member: string]: unknown;
  type: string;
  title: string;
  status: number;
  detail: string;
  error: string;
  code: ErrorCode;
  instance?: string;
  errors?: { field: string; message: string }[];
}

/** The body of an error answer, RFC 9457 with our `code` and `error`. Anything but an AppError tells nothing about itself. */
export function problemOf(thrown: unknown, instance?: string): ProblemDetails {
  const error = thrown instanceof AppError ? thrown : new AppError('internal', 'Something went wrong in the server; its log says what.');
  const { title } = errorCodes[error.code];
  return {
    ...error.extras.members,
    type: `urn:holdfast:error:${error.code}`,
    title,
    status: error.status,
    detail: error.message,
    error: error.message,
    code: error.code,
    ...(instance === undefined ? {} : { instance }),
    ...(error.extras.fields ? { errors: error.extras.fields } : {}),
  };
}
