import { z } from 'zod';
import type { PushLog } from '../push-log.ts';
import type { PushSandbox } from '../push-sandbox.ts';
import { ScriptedRule, type Script } from '../script.ts';

/** What the API is about. */
export interface ApiParts {
  sandbox: PushSandbox;
  log: PushLog;
  script: Script;
}

/** A request that a route has matched. */
interface Asked {
  /** What the pattern's group found in the path. */
  name: string;
  query: URLSearchParams;
  body: unknown;
}

interface Route {
  method: string;
  path: RegExp;
  /** The JSON answer; undefined for 404. */
  answer: (parts: ApiParts, asked: Asked) => unknown;
}

const MOST_PUSHES = 1_000;

const Page = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(MOST_PUSHES).default(100),
});
const DeviceBody = z.strictObject({ topic: z.string().min(1), unregisteredAt: z.number().optional() });
const ConnectionsBody = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('goaway'), inFlight: z.enum(['finish', 'refuse']) }),
  z.strictObject({ do: z.literal('cut') }),
  z.strictObject({ do: z.literal('allow'), streams: z.int().min(1).max(100_000) }),
]);

const routes: readonly Route[] = [
  {
    method: 'GET',
    path: /^\/status$/,
    answer: ({ sandbox }) => ({ counts: sandbox.counts(), connections: sandbox.connections(), url: sandbox.url }),
  },
  {
    method: 'GET',
    path: /^\/pushes$/,
    answer: ({ log }, { query }) => {
      const { after, limit } = Page.parse(Object.fromEntries(query));
      return { pushes: log.records(after, limit) };
    },
  },
  { method: 'GET', path: /^\/devices$/, answer: ({ log }) => ({ devices: log.tokens(MOST_PUSHES) }) },
  { method: 'GET', path: /^\/devices\/([^/]+)$/, answer: ({ sandbox }, { name }) => sandbox.device(name) },
  {
    method: 'PUT',
    path: /^\/devices\/([^/]+)$/,
    answer: ({ sandbox }, { name, body }) => {
      const { topic, unregisteredAt } = DeviceBody.parse(body);
      sandbox.setDevice(name, { topic, ...(unregisteredAt === undefined ? {} : { unregisteredAt }) });
      return {};
    },
  },
  { method: 'GET', path: /^\/script$/, answer: ({ script }) => ({ rules: script.rules() }) },
  { method: 'POST', path: /^\/script$/, answer: ({ script }, { body }) => ({ id: script.add(ScriptedRule.parse(body)).id }) },
  {
    method: 'DELETE',
    path: /^\/script$/,
    answer: ({ script }) => {
      script.clear();
      return {};
    },
  },
  { method: 'DELETE', path: /^\/script\/(\d+)$/, answer: ({ script }, { name }) => (script.remove(Number(name)) ? {} : undefined) },
  {
    method: 'POST',
    path: /^\/connections$/,
    answer: ({ sandbox }, { body }) => {
      const asked = ConnectionsBody.parse(body);
      if (asked.do === 'goaway') sandbox.goAway(asked.inFlight);
      else if (asked.do === 'cut') sandbox.cutConnections();
      else sandbox.allowStreams(asked.streams);
      return {};
    },
  },
];

/** Answers a request of the control API: a status and JSON. */
export function answerApi(parts: ApiParts, method: string, url: URL, body: unknown): { status: number; body: unknown } {
  for (const route of routes) {
    const found = route.path.exec(url.pathname);
    if (route.method !== method || found === null) continue;
    try {
      const answer = route.answer(parts, { name: found[1] ?? '', query: url.searchParams, body });
      if (answer !== undefined) return { status: 200, body: answer };
    } catch (error) {
      if (error instanceof z.ZodError) return { status: 400, body: { error: z.prettifyError(error) } };
      if (error instanceof RangeError) return { status: 409, body: { error: error.message } };
      throw error;
    }
  }
  return { status: 404, body: { error: `There is no ${method} ${url.pathname}.` } };
}
