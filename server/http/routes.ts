import type { Request, Response, Router } from 'express';
import express from 'express';
import type { EndpointSpec } from '../contracts/endpoint.ts';
import { routePath } from '../contracts/endpoint.ts';
import type { ApiHandlers } from '../contracts/registry.ts';
import { eachEndpoint } from '../contracts/registry.ts';
import { parse } from '../contracts/validate.ts';
import { AppError } from '../platform/app-error.ts';
import type { Api, RequestContext } from './context.ts';
import { activityHandlers } from './handlers/activities.ts';
import { chatHandlers } from './handlers/chat.ts';
import { deviceHandlers } from './handlers/devices.ts';
import { lifecycleHandlers } from './handlers/lifecycle.ts';
import { metricsHandlers } from './handlers/metrics.ts';
import { readerHandlers } from './handlers/readers.ts';
import { sessionHandlers } from './handlers/sessions.ts';
import { systemHandlers } from './handlers/system.ts';
import { terminalHandlers } from './handlers/terminals.ts';

type AnyHandler = (
  input: unknown,
  context: RequestContext,
) => Promise<'streamed' | { status: number; body: unknown; headers?: Record<string, string> }>;

/** A router with a handler for every endpoint of the registry: parse, call, encode. */
export function apiRoutes(api: Api, ownerOf: (request: Request) => string): Router {
  const handlers: ApiHandlers<RequestContext> = {
    ...systemHandlers(api),
    ...chatHandlers(api),
    ...sessionHandlers(api),
    ...lifecycleHandlers(api),
    ...metricsHandlers(api),
    ...terminalHandlers(api),
    ...readerHandlers(api),
    ...deviceHandlers(api),
    ...activityHandlers(api),
  };
  const router = express.Router({ caseSensitive: true });
  const methods = new Map<string, string[]>();
  for (const { id, spec } of eachEndpoint()) {
    const path = routePath(spec);
    methods.set(path, [...(methods.get(path) ?? []), spec.method]);
    // The table's types have checked each handler against its endpoint; the router itself can't keep them apart.
    const handler = handlers[id] as unknown as AnyHandler;
    const method = spec.method.toLowerCase() as 'get' | 'post' | 'patch' | 'delete';
    router[method](path, (request, response) => answer(spec, handler, ownerOf, request, response));
  }
  for (const [path, allowed] of methods) {
    router.all(path, (request) => {
      throw new AppError('method-not-allowed', `${request.method} is not served at ${request.path}; use ${allowed.join(' or ')}.`);
    });
  }
  return router;
}

async function answer(
  spec: EndpointSpec,
  handler: AnyHandler,
  ownerOf: (request: Request) => string,
  request: Request,
  response: Response,
): Promise<void> {
  const input = {
    params: spec.params && parse(spec.params, request.params, 'path'),
    query: spec.query && parse(spec.query, request.query, 'query'),
    headers: spec.headers && parse(spec.headers, request.headers, 'header'),
    body: spec.body && parse(spec.body, bodyOf(request), 'body'),
  };
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const result = await handler(input, { owner: spec.auth ? ownerOf(request) : '', request, response, gone: gone.signal });
  if (result === 'streamed' || response.destroyed) return;
  if (result.headers) response.set(result.headers);
  response.status(result.status);
  if (typeof result.body === 'string') response.send(result.body);
  else response.json(result.body);
}

/** The parsed body. Throws `unsupported-media-type` for a body that says it is something else than JSON. */
function bodyOf(request: Request): unknown {
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (hasBody && !request.is('application/json')) {
    throw new AppError('unsupported-media-type', 'Send the body as JSON, with the header Content-Type: application/json.');
  }
  return request.body ?? {};
}
