import type { ServerResponse } from 'node:http';
import type { AnswerBlock, ToolUse } from '../../script.ts';
import type { Reply } from '../dialect.ts';
import { Pace } from '../pace.ts';

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
export function sendError(res: ServerResponse, status: number, message: string): void {
  const body = { type: 'error', error: { type: errorTypes[status] ?? 'api_error', message }, request_id: 'req_scripted' };
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** How Claude Code's own tools are called for what the script wants. */
function toolCall(use: ToolUse): { name: string; input: Record<string, unknown> } {
  switch (use.kind) {
    case 'mcp':
      return { name: `mcp__${use.server}__${use.tool}`, input: {} };
    case 'run':
      return { name: 'Bash', input: { command: use.command, description: 'Runs what the message asks for' } };
    case 'write':
      return { name: 'Write', input: { file_path: use.path, content: use.content } };
    case 'ask': {
      const options = use.labels.map((label) => ({ label, description: `Choose ${label}` }));
      return { name: 'AskUserQuestion', input: { questions: [{ question: use.question, header: 'Choice', options, multiSelect: false }] } };
    }
  }
}

function stopReason(blocks: AnswerBlock[]): string {
  return blocks.some((block) => block.type === 'tool') ? 'tool_use' : 'end_turn';
}

function tokensIn(blocks: AnswerBlock[]): number {
  return blocks.reduce((sum, block) => sum + (block.type === 'tool' ? 20 : block.pieces.length), 0);
}

function usageOf(reply: Reply, outputTokens: number): Record<string, number> {
  return { input_tokens: reply.inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: outputTokens };
}

function wholeBlock(block: AnswerBlock, id: string): Record<string, unknown> {
  if (block.type === 'text') return { type: 'text', text: block.pieces.join('') };
  if (block.type === 'thinking') return { type: 'thinking', thinking: block.pieces.join(''), signature: 'c2NyaXB0ZWQ=' };
  return { type: 'tool_use', id, ...toolCall(block.use) };
}

/** The answer as one JSON body. */
export function sendWhole(res: ServerResponse, reply: Reply): void {
  const { blocks } = reply.answer;
  const content = blocks.map((block, index) => wholeBlock(block, `toolu_${reply.id}${index}`));
  const body = { id: `msg_${reply.id}`, type: 'message', role: 'assistant', model: reply.call.model, content };
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ ...body, stop_reason: stopReason(blocks), stop_sequence: null, usage: usageOf(reply, tokensIn(blocks)) }));
}

function deltasOf(block: AnswerBlock): Record<string, unknown>[] {
  if (block.type === 'text') return block.pieces.map((text) => ({ type: 'text_delta', text }));
  if (block.type === 'tool') return [{ type: 'input_json_delta', partial_json: JSON.stringify(toolCall(block.use).input) }];
  return [
    ...block.pieces.map((thinking) => ({ type: 'thinking_delta', thinking })),
    { type: 'signature_delta', signature: 'c2NyaXB0ZWQ=' },
  ];
}

function emptyBlock(block: AnswerBlock, id: string): Record<string, unknown> {
  if (block.type === 'text') return { type: 'text', text: '' };
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  return { type: 'tool_use', id, name: toolCall(block.use).name, input: {} };
}

/** The answer as server-sent events, each delta written on its own; ends early when the client goes or the script says so. */
export async function sendStream(res: ServerResponse, reply: Reply): Promise<void> {
  const { blocks } = reply.answer;
  const pace = new Pace(res, reply.answer);
  const emit = (type: string, fields: Record<string, unknown> = {}): boolean => pace.emit(type, { type, ...fields });
  const message = { id: `msg_${reply.id}`, type: 'message', role: 'assistant', model: reply.call.model, content: [] };
  emit('message_start', { message: { ...message, stop_reason: null, stop_sequence: null, usage: usageOf(reply, 1) } });
  for (const [index, block] of blocks.entries()) {
    emit('content_block_start', { index, content_block: emptyBlock(block, `toolu_${reply.id}${index}`) });
    if (!(await pace.deltas(deltasOf(block), (delta) => emit('content_block_delta', { index, delta })))) return;
    emit('content_block_stop', { index });
  }
  emit('message_delta', { delta: { stop_reason: stopReason(blocks), stop_sequence: null }, usage: usageOf(reply, tokensIn(blocks)) });
  emit('message_stop');
  pace.end();
}
