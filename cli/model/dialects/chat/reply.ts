import type { ServerResponse } from 'node:http';
import type { ToolUse } from '../../script.ts';
import type { Reply } from '../dialect.ts';
import { Pace } from '../pace.ts';

type Json = Record<string, unknown>;

/** Answers with an error in the API's own shape. */
export function sendError(res: ServerResponse, status: number, message: string): void {
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message, type, param: null, code: null } }));
}

/** How the agents' own tools are called for what the script wants: `create` is Copilot's, `write` OpenCode's. */
function toolFor(use: ToolUse, offered: readonly string[]): { name: string; input: Json } {
  switch (use.kind) {
    case 'mcp':
      return { name: `${use.server}_${use.tool}`, input: {} };
    case 'run':
      return { name: 'bash', input: { command: use.command, description: 'Runs what the message asks for' } };
    case 'write':
      return offered.includes('create')
        ? { name: 'create', input: { path: use.path, file_text: use.content } }
        : { name: 'write', input: { filePath: use.path, content: use.content } };
    case 'ask':
      return { name: 'question', input: { question: use.question, choices: use.labels } };
  }
}

function toolCalls(reply: Reply): Json[] {
  const uses = reply.answer.blocks.flatMap((block) => (block.type === 'tool' ? [toolFor(block.use, reply.call.tools)] : []));
  return uses.map(({ name, input }, index) => ({
    index,
    id: `call_${reply.id}${index}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }));
}

function usageOf(reply: Reply): Json {
  const output = reply.answer.blocks.reduce((sum, block) => sum + (block.type === 'tool' ? 20 : block.pieces.length), 0);
  return { prompt_tokens: reply.inputTokens, completion_tokens: output, total_tokens: reply.inputTokens + output };
}

/** The answer as one JSON body. */
export function sendWhole(res: ServerResponse, reply: Reply): void {
  const calls = toolCalls(reply);
  const content = reply.answer.blocks.flatMap((block) => (block.type === 'text' ? block.pieces : [])).join('');
  const message = { role: 'assistant', content, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
  const choices = [{ index: 0, message, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' }];
  const about = { id: `chatcmpl-${reply.id}`, object: 'chat.completion', created: 1, model: reply.call.model };
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...about, choices, usage: usageOf(reply) }));
}

/** The answer as server-sent chunks, each delta written on its own; ends early when the client goes or the script says so. */
export async function sendStream(res: ServerResponse, reply: Reply): Promise<void> {
  const pace = new Pace(res, reply.answer);
  const about = { id: `chatcmpl-${reply.id}`, object: 'chat.completion.chunk', created: 1, model: reply.call.model };
  const emit = (delta: Json, finish: string | null = null): boolean =>
    pace.emit(null, { ...about, choices: [{ index: 0, delta, finish_reason: finish }] });
  emit({ role: 'assistant', content: '' });
  for (const block of reply.answer.blocks) {
    if (block.type === 'tool') continue;
    const field = block.type === 'text' ? 'content' : 'reasoning_content';
    if (!(await pace.deltas(block.pieces, (piece) => emit({ [field]: piece })))) return;
  }
  const calls = toolCalls(reply);
  if (calls.length > 0) emit({ tool_calls: calls });
  emit({}, calls.length > 0 ? 'tool_calls' : 'stop');
  pace.emit(null, { ...about, choices: [], usage: usageOf(reply) });
  pace.emit(null, '[DONE]');
  pace.end();
}
