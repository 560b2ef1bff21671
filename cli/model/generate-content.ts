import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutTags } from './chat-completions.ts';
import type { ContentBlock, MessagesBody } from './conversation.ts';
import type { Sender } from './reply.ts';
import type { Answer, AnswerBlock } from './script.ts';
import { asOffered } from './tool-names.ts';

type Blocks = Extract<Answer, { kind: 'blocks' }>;
interface Part {
  text?: string;
  functionResponse?: { response?: Record<string, unknown> };
}

/** A request to /v1beta/models/NAME:generateContent or :streamGenerateContent; only what the script looks at. */
export interface GenerateBody {
  contents: { role?: string; parts?: Part[] }[];
  tools?: { functionDeclarations?: { name?: string }[] }[];
  generationConfig?: { responseJsonSchema?: unknown; responseSchema?: unknown };
}

function blockOf(part: Part): ContentBlock[] {
  const response = part.functionResponse?.response;
  if (response) {
    const error = response.error;
    const content = error === undefined ? response.output : error;
    return [{ type: 'tool_result', content: typeof content === 'string' ? content : JSON.stringify(content), is_error: error !== undefined }];
  }
  return part.text === undefined ? [] : [{ type: 'text', text: withoutTags(part.text) }];
}

/** The conversation as the script reads it. */
export function fromGenerate(body: GenerateBody, model: string): MessagesBody {
  const messages = body.contents.map(({ role, parts = [] }) => ({
    role: role === 'model' ? 'assistant' : 'user',
    content: parts.flatMap(blockOf),
  }));
  return { model, stream: true, tools: body.tools ?? [], messages };
}

const names: Record<number, string> = { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 429: 'RESOURCE_EXHAUSTED' };

/** Answers with an error in this API's shape. */
export function sendGenerateError(res: ServerResponse, status: number, message = `Scripted error ${status}`): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ error: { code: status, message, status: names[status] ?? 'UNAVAILABLE' } }));
}

function offered(body: GenerateBody): string[] {
  return (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? []).flatMap(({ name }) => name ?? []);
}

function partsOf(block: AnswerBlock, body: GenerateBody): Record<string, unknown>[] {
  if (block.type === 'text') return block.pieces.map((text) => ({ text }));
  if (block.type === 'thinking') return block.pieces.map((text) => ({ text, thought: true }));
  const { name, input } = asOffered(block, offered(body));
  return [{ functionCall: { name, args: input } }];
}

function usageOf(sender: Sender, count: number): Record<string, number> {
  return { promptTokenCount: sender.inputTokens, candidatesTokenCount: count, totalTokenCount: sender.inputTokens + count };
}

function chunk(sender: Sender, parts: unknown[], count: number, finish?: string): Record<string, unknown> {
  const candidate = { content: { role: 'model', parts }, index: 0, ...(finish === undefined ? {} : { finishReason: finish }) };
  return { candidates: [candidate], usageMetadata: usageOf(sender, count), modelVersion: sender.model, responseId: sender.id };
}

/** The answer as one JSON body. */
export function sendGenerateWhole(res: ServerResponse, sender: Sender, answer: Blocks, body: GenerateBody): void {
  const parts = answer.blocks.flatMap((block) => partsOf(block, body));
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify(chunk(sender, parts, parts.length, 'STOP')));
}

/** The answer as server-sent chunks; ends early when the client goes or the script says so. */
export async function sendGenerateStream(res: ServerResponse, sender: Sender, answer: Blocks, body: GenerateBody): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  res.socket?.setNoDelay(true);
  const emit = (value: unknown): boolean => res.write(`data: ${JSON.stringify(value)}\r\n\r\n`);
  const parts = answer.blocks.flatMap((block) => partsOf(block, body));
  const startedAt = performance.now();
  for (const [at, part] of parts.entries()) {
    if (answer.cut && at >= parts.length / 2) {
      await sleep(20);
      res.destroy();
      return;
    }
    const wait = startedAt + at * answer.delayMs - performance.now();
    if (answer.delayMs > 0 && wait > 0) await sleep(wait);
    if (res.destroyed) return;
    if (!emit(chunk(sender, [part], at + 1))) await Promise.race([once(res, 'drain'), once(res, 'close')]);
  }
  emit(chunk(sender, [{ text: '' }], parts.length, 'STOP'));
  res.end();
}
