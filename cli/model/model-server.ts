import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChatBody } from './chat-completions.ts';
import { fromChat, sendChatError, sendChatStream, sendChatWhole } from './chat-completions.ts';
import type { MessagesBody } from './conversation.ts';
import { isSideRequest, lastInput } from './conversation.ts';
import type { GenerateBody } from './generate-content.ts';
import { fromGenerate, sendGenerateError, sendGenerateStream, sendGenerateWhole } from './generate-content.ts';
import type { Sender } from './reply.ts';
import { sendError, sendStream, sendWhole } from './reply.ts';
import type { Answer } from './script.ts';
import { answerTo } from './script.ts';

/** How an API's answers are written. */
interface Writer {
  error(res: ServerResponse, status: number): void;
  whole(res: ServerResponse, sender: Sender, answer: Blocks): void;
  stream(res: ServerResponse, sender: Sender, answer: Blocks): Promise<void>;
}
type Blocks = Extract<Answer, { kind: 'blocks' }>;
const messagesWriter: Writer = { error: sendError, whole: sendWhole, stream: sendStream };

/** One request that the model got, as `GET /_requests` lists it. */
export interface ModelRequest {
  /** Milliseconds since 1970. */
  at: number;
  model: string;
  /** Whether a user's words or a tool's result came last. */
  last: 'text' | 'tool';
  /** The first 200 characters of the last input. */
  lastUserText: string;
  lastUserChars: number;
  messages: number;
  stream: boolean;
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
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function isMessagesBody(body: unknown): body is MessagesBody {
  return typeof body === 'object' && body !== null && Array.isArray((body as { messages?: unknown }).messages);
}

function sendJson(res: ServerResponse, body: unknown): void {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/**
 * Starts a model that says what the messages tell it to, on loopback: the model behind ANTHROPIC_BASE_URL in tests,
 * demonstrations and benchmarks. What they can ask for is at `answerTo`. `log` gets each request as it comes in.
 */
export async function startModelServer(options: { port?: number; log?: (request: ModelRequest) => void } = {}): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  let served = 0;

  async function answerMessages(body: MessagesBody, res: ServerResponse, writer: Writer = messagesWriter): Promise<void> {
    const input = lastInput(body);
    const size = JSON.stringify(body.messages).length;
    const request: ModelRequest = {
      at: Date.now(),
      model: body.model ?? '',
      last: input.kind,
      lastUserText: input.text.slice(0, 200),
      lastUserChars: input.text.length,
      messages: body.messages.length,
      stream: body.stream === true,
      side: isSideRequest(body),
    };
    if (requests.push(request) > maxRequests) requests.shift();
    options.log?.(request);
    const id = createHash('sha256').update(`${++served} ${size} ${request.lastUserText}`).digest('hex').slice(0, 24);
    const answer = answerTo(body);
    const sender = { model: body.model ?? 'scripted', id, inputTokens: Math.ceil(size / 4) };
    if (answer.kind === 'hang') return;
    if (answer.kind === 'status') writer.error(res, answer.status);
    else if (!request.stream) writer.whole(res, sender, answer);
    else await writer.stream(res, sender, answer);
  }

  function answerChat(body: ChatBody, res: ServerResponse): Promise<void> {
    return answerMessages(fromChat(body), res, {
      error: sendChatError,
      whole: (to, sender, answer) => sendChatWhole(to, sender, answer, body),
      stream: (to, sender, answer) => sendChatStream(to, sender, answer, body),
    });
  }

  async function answerGenerate(body: GenerateBody, res: ServerResponse, [, model = '', method]: string[]): Promise<void> {
    if (method === 'countTokens') return sendJson(res, { totalTokens: Math.ceil(JSON.stringify(body.contents).length / 4) });
    return answerMessages({ ...fromGenerate(body, model), stream: method === 'streamGenerateContent' }, res, {
      error: sendGenerateError,
      whole: (to, sender, answer) => sendGenerateWhole(to, sender, answer, body),
      stream: (to, sender, answer) => sendGenerateStream(to, sender, answer, body),
    });
  }

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '/').split('?')[0] ?? '/';
    const what = `${req.method} ${path}`;
    if (what === 'GET /_requests') return sendJson(res, requests);
    if (what === 'POST /_reset') {
      requests.length = 0;
      return sendJson(res, {});
    }
    if (what === 'GET /' || what === 'HEAD /') return sendJson(res, {});
    if (what === 'POST /v1/chat/completions') return answerChat((await readJson(req)) as ChatBody, res);
    const generate = /^POST \/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/.exec(what);
    if (generate) return answerGenerate((await readJson(req)) as GenerateBody, res, generate);
    if (what !== 'POST /v1/messages' && what !== 'POST /v1/messages/count_tokens') {
      req.resume();
      return sendError(res, 404, `Nothing at ${path}`);
    }
    const body = await readJson(req);
    if (!isMessagesBody(body)) return sendError(res, 400, 'messages is missing');
    if (path.endsWith('/count_tokens')) return sendJson(res, { input_tokens: Math.ceil(JSON.stringify(body.messages).length / 4) });
    return answerMessages(body, res);
  }

  const server = createServer((req, res) => {
    route(req, res).catch((error: unknown) => {
      if (res.headersSent) res.destroy();
      else sendError(res, 400, String(error));
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
