import type { IncomingMessage } from 'node:http';
import { AppError } from '../platform/app-error.ts';
import type { TokenCheck } from './token.ts';

export interface DoorSettings {
  /** Names that the Host header may have, lower case, without port. */
  allowedHosts: readonly string[];
  /** Origins of web pages that may use the API, lower case. */
  allowedOrigins: readonly string[];
}

/** Throws `host-not-allowed`: a page that rebinds its name to this machine is stopped here. */
export function checkHost(request: IncomingMessage, settings: DoorSettings): void {
  const host = (request.headers.host ?? '')
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
  if (!settings.allowedHosts.includes(host)) {
    throw new AppError('host-not-allowed', `This server is not known as "${host}". Add the name to ALLOWED_HOSTS if it is yours.`);
  }
}

/** Throws `origin-not-allowed` for a web page that is not on the list. Programs send no Origin. */
export function checkOrigin(request: IncomingMessage, settings: DoorSettings): void {
  const { origin } = request.headers;
  if (origin !== undefined && !settings.allowedOrigins.includes(origin.toLowerCase())) {
    throw new AppError('origin-not-allowed', `Pages of ${origin} may not use this API. Add the origin to ALLOWED_ORIGINS if it is yours.`);
  }
}

/** The owner whose token the request carries. Throws `unauthorized`. */
export function checkToken(request: IncomingMessage, tokens: TokenCheck): string {
  const owner = tokens.ownerOf(request.headers.authorization);
  if (owner === null) throw new AppError('unauthorized', 'Send the header Authorization: Bearer <token>, with the token of this server.');
  return owner;
}
