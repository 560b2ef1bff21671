import type { ErrorRequestHandler, Request } from 'express';
import { AppError, isDiskFull, messageOf } from '../platform/app-error.ts';
import type { Logger } from '../platform/logger.ts';
import { problemOf } from '../platform/problem.ts';

const DRAIN_MS = 5_000;

/** The last handler: every error becomes a problem, and only those that are our fault are logged. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (thrown: unknown, request, response, _next) => {
    const error = asAppError(thrown);
    if (error.status >= 500 && error.code === 'internal') logger.error({ error: thrown, path: request.path }, 'a request failed');
    if (response.headersSent) return void response.destroy();
    if (error.extras.retryAfter !== undefined) response.setHeader('Retry-After', String(Math.ceil(error.extras.retryAfter)));
    if (error.code === 'unauthorized') response.setHeader('WWW-Authenticate', 'Bearer');
    const body = JSON.stringify(problemOf(error, request.path));
    const send = (): void => void response.status(error.status).type('application/problem+json').send(body);
    if (request.complete) return send();
    // Closing a connection on which bytes are still coming in would throw away the answer that is on its way out.
    response.setHeader('Connection', 'close');
    afterBody(request, send);
  };
}

/** Reads and drops what is left of a body that was refused, for a few seconds at most, and then calls `done` once. */
function afterBody(request: Request, done: () => void): void {
  const finish = (): void => {
    clearTimeout(timer);
    request.off('end', finish).off('close', finish).off('error', finish);
    done();
  };
  const timer = setTimeout(finish, DRAIN_MS);
  request.once('end', finish).once('close', finish).once('error', finish).resume();
}

/** Our error for anything that was thrown, also by the body parser and the router. */
function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (isDiskFull(thrown))
    return new AppError('disk-full', 'The disk of DATA_DIR is full. Make room, then send this again.', { cause: thrown, retryAfter: 30 });
  const { type, status } = thrown as { type?: unknown; status?: unknown };
  switch (type) {
    case 'entity.parse.failed':
      return new AppError('bad-json', `The body is not JSON: ${messageOf(thrown)}`, { cause: thrown });
    case 'entity.too.large':
      return new AppError('payload-too-large', 'The body is too large (MAX_BODY_MB). Send less, or fewer attachments.', { cause: thrown });
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new AppError('unsupported-media-type', 'Send JSON in UTF-8, without or with gzip, deflate or br encoding.', { cause: thrown });
    default:
      if (typeof status === 'number' && status >= 400 && status < 500) {
        return new AppError('validation-failed', `The request cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
      }
      return new AppError('internal', 'Something went wrong in the server; its log says what.', { cause: thrown });
  }
}
