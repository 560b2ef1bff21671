import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContentBlock, MessagesBody } from './conversation.ts';
import type { Sender } from './reply.ts';
import type { Answer, AnswerBlock } from './script.ts';
import { asOffered } from './tool-names.ts';

type Blocks = Extract<Answer, { kind: 'blocks' }>;

/** A request to /v1/chat/completions; only what the script looks at. */
export interface ChatBody {
  model?: string;
  stream?: boolean;
  tools?: { function?: { name?: string } }[];
  messages: { role: string; content?: string | { type: string; text?: string }[] | null }[];
}

/** Tags that agents put around or beside the user's own words. */
const added = /<(current_datetime|reminder|system[_-]reminder|environment_context|tagged_files|session_context)>[\s\S]*?<\/\1>/g;

function textOf(content: ChatBody['messages'][number]['content']): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? '').join('\n');
}

/** A user's words without what the agent adds to them. */
export function withoutTags(text: string): string {
  return text.replace(added, '').trim();
}

/** The conversation as the script reads it. */
export function fromChat(body: ChatBody): MessagesBody {
  const messages = body.messages.flatMap((message): MessagesBody['messages'] => {
    const text = textOf(message.content);
    if (message.role === 'user') return [{ role: 'user', content: withoutTags(text) }];
    if (message.role !== 'tool') return message.role === 'assistant' ? [{ role: 'assistant', content: text }] : [];
    const result: ContentBlock = { type: 'tool_result', content: text };
    return [{ role: 'user', content: [result] }];
  });
  return { messages, ...(body.model === undefined ? {} : { model: body.model }), stream: body.stream === true, tools: body.tools ?? [] };
}

/** Answers with an error in this API's shape. */
export function sendChatError(res: ServerResponse, status: number, message = `Scripted error ${status}`): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ error: { message, type: status === 401 ? 'invalid_request_error' : 'server_error', code: null, param: null } }));
}

function offered(body: ChatBody): string[] {
  return (body.tools ?? []).flatMap((tool) => tool.function?.name ?? []);
}

function toolCalls(blocks: AnswerBlock[], body: ChatBody, sender: Sender): Record<string, unknown>[] {
  return blocks
    .flatMap((block) => (block.type === 'tool_use' ? [asOffered(block, offered(body))] : []))
    .map(({ name, input }, index) => ({
      index,
      id: `call_${sender.id}${index}`,
      type: 'function',
      function: { name, arguments: JSON.stringify(input) },
    }));
}

function usageOf(sender: Sender, blocks: AnswerBlock[]): Record<string, unknown> {
  const output = blocks.reduce((sum, block) => sum + (block.type === 'tool_use' ? 20 : block.pieces.length), 0);
  return { prompt_tokens: sender.inputTokens, completion_tokens: output, total_tokens: sender.inputTokens + output };
}

/** The answer as one JSON body. */
export function sendChatWhole(res: ServerResponse, sender: Sender, answer: Blocks, body: ChatBody): void {
  const calls = toolCalls(answer.blocks, body, sender);
  const content = answer.blocks.flatMap((block) => (block.type === 'text' ? block.pieces : [])).join('');
  const message = { role: 'assistant', content, ...(calls.length ? { tool_calls: calls } : {}) };
  const choices = [{ index: 0, message, finish_reason: calls.length ? 'tool_calls' : 'stop' }];
  const about = { id: `chatcmpl-${sender.id}`, object: 'chat.completion', created: 1, model: sender.model };
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ ...about, choices, usage: usageOf(sender, answer.blocks) }));
}

/** The answer as server-sent chunks; ends early when the client goes or the script says so. */
export async function sendChatStream(res: ServerResponse, sender: Sender, answer: Blocks, body: ChatBody): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  res.socket?.setNoDelay(true);
  const about = { id: `chatcmpl-${sender.id}`, object: 'chat.completion.chunk', created: 1, model: sender.model };
  const emit = (delta: Record<string, unknown>, finish: string | null = null): boolean =>
    res.write(`data: ${JSON.stringify({ ...about, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
  emit({ role: 'assistant', content: '' });
  const startedAt = performance.now();
  const deltas = answer.blocks.flatMap((block) => {
    if (block.type === 'tool_use') return [];
    return block.pieces.map((piece) => (block.type === 'text' ? { content: piece } : { reasoning_content: piece }));
  });
  for (const [at, delta] of deltas.entries()) {
    if (answer.cut && at >= deltas.length / 2) {
      // What was written must get out first: a cut before the first byte looks like a refused connection.
      await sleep(20);
      res.destroy();
      return;
    }
    const wait = startedAt + at * answer.delayMs - performance.now();
    if (answer.delayMs > 0 && wait > 0) await sleep(wait);
    if (res.destroyed) return;
    if (!emit(delta)) await Promise.race([once(res, 'drain'), once(res, 'close')]);
  }
  const calls = toolCalls(answer.blocks, body, sender);
  if (calls.length) emit({ tool_calls: calls });
  emit({}, calls.length ? 'tool_calls' : 'stop');
  res.write(`data: ${JSON.stringify({ ...about, choices: [], usage: usageOf(sender, answer.blocks) })}\n\n`);
  res.end('data: [DONE]\n\n');
}
