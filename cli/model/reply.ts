import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, AnswerBlock } from './script.ts';

type Blocks = Extract<Answer, { kind: 'blocks' }>;

/** Who answers: the model's name, an id that is this answer's alone, and the size of what was asked. */
export interface Sender {
  model: string;
  id: string;
  inputTokens: number;
}

const errorTypes: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** Answers with an error in the API's own shape. */
export function sendError(res: ServerResponse, status: number, message = `Scripted error ${status}`): void {
  const body = { type: 'error', error: { type: errorTypes[status] ?? 'api_error', message }, request_id: 'req_scripted' };
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function stopReason(blocks: AnswerBlock[]): string {
  return blocks.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn';
}

function tokensIn(blocks: AnswerBlock[]): number {
  return blocks.reduce((sum, block) => sum + (block.type === 'tool_use' ? 20 : block.pieces.length), 0);
}

function usageOf(sender: Sender, outputTokens: number): Record<string, number> {
  return { input_tokens: sender.inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: outputTokens };
}

function wholeBlock(block: AnswerBlock, id: string): Record<string, unknown> {
  if (block.type === 'text') return { type: 'text', text: block.pieces.join('') };
  if (block.type === 'thinking') return { type: 'thinking', thinking: block.pieces.join(''), signature: 'c2NyaXB0ZWQ=' };
  return { type: 'tool_use', id, name: block.name, input: block.input };
}

/** The answer as one JSON body. */
export function sendWhole(res: ServerResponse, sender: Sender, answer: Blocks): void {
  const content = answer.blocks.map((block, index) => wholeBlock(block, `toolu_${sender.id}${index}`));
  const usage = usageOf(sender, tokensIn(answer.blocks));
  const body = { id: `msg_${sender.id}`, type: 'message', role: 'assistant', model: sender.model, content };
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ ...body, stop_reason: stopReason(answer.blocks), stop_sequence: null, usage }));
}

function deltasOf(block: AnswerBlock): Record<string, unknown>[] {
  if (block.type === 'text') return block.pieces.map((text) => ({ type: 'text_delta', text }));
  if (block.type === 'tool_use') return [{ type: 'input_json_delta', partial_json: JSON.stringify(block.input) }];
  return [
    ...block.pieces.map((thinking) => ({ type: 'thinking_delta', thinking })),
    { type: 'signature_delta', signature: 'c2NyaXB0ZWQ=' },
  ];
}

function emptyBlock(block: AnswerBlock, id: string): Record<string, unknown> {
  if (block.type === 'text') return { type: 'text', text: '' };
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  return { type: 'tool_use', id, name: block.name, input: {} };
}

/** The answer as server-sent events, each delta written on its own; ends early when the client goes or the script says so. */
export async function sendStream(res: ServerResponse, sender: Sender, answer: Blocks): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  res.socket?.setNoDelay(true);
  const emit = (type: string, fields: Record<string, unknown> = {}): boolean =>
    res.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  const message = { id: `msg_${sender.id}`, type: 'message', role: 'assistant', model: sender.model, content: [] };
  emit('message_start', { message: { ...message, stop_reason: null, stop_sequence: null, usage: usageOf(sender, 1) } });
  const startedAt = performance.now();
  let sent = 0;
  for (const [index, block] of answer.blocks.entries()) {
    emit('content_block_start', { index, content_block: emptyBlock(block, `toolu_${sender.id}${index}`) });
    const deltas = deltasOf(block);
    for (const [at, delta] of deltas.entries()) {
      if (answer.cut && at >= deltas.length / 2) {
        // What was written must get out first: a cut before the first byte looks like a refused connection.
        await sleep(20);
        res.destroy();
        return;
      }
      // Each delta has its own absolute time, so that lateness doesn't add up.
      const wait = startedAt + sent++ * answer.delayMs - performance.now();
      if (answer.delayMs > 0 && wait > 0) await sleep(wait);
      if (res.destroyed) return;
      if (!emit('content_block_delta', { index, delta })) await Promise.race([once(res, 'drain'), once(res, 'close')]);
    }
    emit('content_block_stop', { index });
  }
  emit('message_delta', {
    delta: { stop_reason: stopReason(answer.blocks), stop_sequence: null },
    usage: usageOf(sender, tokensIn(answer.blocks)),
  });
  emit('message_stop');
  res.end();
}
