import type { Express, Request } from 'express';
import express from 'express';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import type { DoorSettings } from '../auth/doors.ts';
import { checkHost, checkOrigin, checkToken } from '../auth/doors.ts';
import type { TokenCheck } from '../auth/token.ts';
import { eachEndpoint } from '../contracts/registry.ts';
import { AppError } from '../platform/app-error.ts';
import type { Api } from './context.ts';
import { errorHandler } from './error-handler.ts';
import { apiRoutes } from './routes.ts';

export interface AppParts {
  api: Api;
  tokens: TokenCheck;
  doors: DoorSettings;
  /** Largest request body, in bytes. */
  maxBodyBytes: number;
}

/** Wrong tokens that one address may try in a minute. A right one is never counted, so nobody can lock its owner out. */
const WRONG_TOKENS_PER_MINUTE = 100;
/** Requests per second for whoever has a token. */
const REQUESTS_PER_SECOND = 500;

/** The HTTP side: doors first (Host, token, Origin), then the body, then the routes. */
export function makeApp({ api, tokens, doors, maxBodyBytes }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  const open = new Set(eachEndpoint().flatMap(({ spec }) => (spec.auth ? [] : [spec.path])));
  const owners = new WeakMap<Request, string>();
  const tooMany = (): never => {
    throw new AppError('rate-limited', 'Too many requests; slow down.', { retryAfter: 1 });
  };
  const wrongTokens = rateLimit({
    windowMs: 60_000,
    limit: WRONG_TOKENS_PER_MINUTE,
    handler: tooMany,
    standardHeaders: false,
    legacyHeaders: false,
  });
  const requests = rateLimit({
    windowMs: 1_000,
    limit: REQUESTS_PER_SECOND,
    keyGenerator: (request) => owners.get(request) ?? '',
    handler: tooMany,
    standardHeaders: false,
    legacyHeaders: false,
  });
  app.use(helmet());
  app.use((request, response, next) => {
    checkHost(request, doors);
    if (open.has(request.path)) return next();
    try {
      owners.set(request, checkToken(request, tokens));
    } catch (error) {
      return void wrongTokens(request, response, (limited?: unknown) => next(limited ?? error));
    }
    checkOrigin(request, doors);
    return void requests(request, response, next);
  });
  app.use(express.json({ limit: maxBodyBytes, type: 'application/json', strict: false }));
  app.use(apiRoutes(api, (request) => owners.get(request) ?? ''));
  app.use((request) => {
    throw new AppError('not-found', `There is nothing at ${request.path}; see /openapi.json for what there is.`);
  });
  app.use(errorHandler(api.logger));
  return app;
}
