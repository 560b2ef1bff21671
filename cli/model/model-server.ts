import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './dialects/anthropic/dialect.ts';
import { chat } from './dialects/chat/dialect.ts';
import type { Dialect, ModelCall } from './dialects/dialect.ts';
import { gemini } from './dialects/gemini/dialect.ts';
import { responses } from './dialects/responses/dialect.ts';
import { answerTo } from './script.ts';

/** The APIs that it speaks; the first one also words the errors of paths that nobody knows. */
const dialects: readonly [Dialect, ...Dialect[]] = [anthropic, responses, chat, gemini];

/** One request that the model got, as `GET /_requests` lists it. */
export interface ModelRequest {
  /** Milliseconds since 1970. */
  at: number;
  /** The API that it came through. */
  dialect: string;
  model: string;
  /** Whether a user's words or a tool's result came last. */
  last: 'text' | 'tool';
  /** The first 200 characters of the last input. */
  lastUserText: string;
  lastUserChars: number;
  messages: number;
  stream: boolean;
  /** How hard it is to think; null where that was not said. */
  effort: string | null;
  /** True for what the CLI asks on its own account. */
  side: boolean;
}

/** A running model server. */
export interface ModelServer {
  url: string;
  port: number;
  /** The newest requests, oldest first, at most 10,000. */
  requests: ModelRequest[];
  close(): Promise<void>;
}

const maxRequests = 10_000;

async function readJson(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function sendJson(res: ServerResponse, body: unknown): void {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/**
 * Starts a model that says what the messages tell it to, on loopback: the model behind the agents in tests,
 * demonstrations and benchmarks, whichever API they speak. What they can ask for is at `answerTo`. `log` gets each request as it comes in.
 */
export async function startModelServer(options: { port?: number; log?: (request: ModelRequest) => void } = {}): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  let served = 0;

  async function answerCall(dialect: Dialect, call: ModelCall, res: ServerResponse): Promise<void> {
    const request: ModelRequest = {
      at: Date.now(),
      dialect: dialect.name,
      model: call.model,
      last: call.last.kind,
      lastUserText: call.last.text.slice(0, 200),
      lastUserChars: call.last.text.length,
      messages: call.messages,
      stream: call.stream,
      effort: call.effort ?? null,
      side: call.side,
    };
    if (requests.push(request) > maxRequests) requests.shift();
    options.log?.(request);
    const id = createHash('sha256').update(`${++served} ${call.size} ${request.lastUserText}`).digest('hex').slice(0, 24);
    const answer = answerTo(call);
    if (answer.kind === 'hang') return;
    if (answer.kind === 'status') dialect.sendError(res, answer.status, `Scripted error ${answer.status}`);
    else await dialect.send(res, { call, id, inputTokens: Math.ceil(call.size / 4), answer });
  }

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '/').split('?')[0] ?? '/';
    const method = req.method ?? 'GET';
    const what = `${method} ${path}`;
    if (what === 'GET /_requests') return sendJson(res, requests);
    if (what === 'POST /_reset') {
      requests.length = 0;
      return sendJson(res, {});
    }
    if (what === 'GET /' || what === 'HEAD /') return sendJson(res, {});
    const body = await readJson(req);
    const asked = dialects.find((dialect) => dialect.asks(method, path));
    if (asked) {
      const call = asked.read(body, path);
      return call ? answerCall(asked, call, res) : asked.sendError(res, 400, 'This is no request of this API.');
    }
    for (const dialect of dialects) {
      const beside = dialect.beside?.(method, path, body);
      if (beside !== undefined) return sendJson(res, beside);
    }
    dialects[0].sendError(res, 404, `Nothing at ${path}`);
  }

  const server = createServer((req, res) => {
    route(req, res).catch((error: unknown) => {
      if (res.headersSent) res.destroy();
      else dialects[0].sendError(res, 400, String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const port = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
