import type { ServerResponse } from 'node:http';
import type { AnswerBlock, ToolUse } from '../../script.ts';
import type { Reply } from '../dialect.ts';
import { Pace } from '../pace.ts';

const errorTypes: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_exceeded',
};

/** Answers with an error in the API's own shape. */
export function sendError(res: ServerResponse, status: number, message: string): void {
  const type = errorTypes[status] ?? 'server_error';
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message, type, param: null, code: type } }));
}

type Item = Record<string, unknown>;

/** How codex's own tools are called for what the script wants. */
function toolItem(use: ToolUse, id: string, offered: readonly string[]): Item {
  const call = (name: string, input: unknown): Item => ({
    type: 'function_call',
    id: `fc_${id}`,
    call_id: `call_${id}`,
    name,
    arguments: JSON.stringify(input),
  });
  switch (use.kind) {
    case 'mcp':
      return { ...call(use.tool, {}), namespace: `mcp__${use.server}` };
    case 'run':
      return call('exec_command', { cmd: use.command });
    case 'write': {
      const patch = `*** Begin Patch\n*** Add File: ${use.path}\n+${use.content}\n*** End Patch\n`;
      if (!offered.includes('apply_patch')) return call('exec_command', { cmd: `apply_patch <<'PATCH'\n${patch}PATCH` });
      return { type: 'custom_tool_call', id: `ctc_${id}`, call_id: `call_${id}`, name: 'apply_patch', input: patch };
    }
    case 'ask': {
      const options = use.labels.map((label) => ({ label, description: `Choose ${label}` }));
      return call('request_user_input', { questions: [{ id: 'choice', header: 'Choice', question: use.question, options }] });
    }
  }
}

function itemOf(block: AnswerBlock, id: string, offered: readonly string[]): Item {
  switch (block.type) {
    case 'text':
      return {
        type: 'message',
        id: `msg_${id}`,
        role: 'assistant',
        content: [{ type: 'output_text', text: block.pieces.join(''), annotations: [] }],
      };
    case 'thinking':
      return { type: 'reasoning', id: `rs_${id}`, summary: [{ type: 'summary_text', text: block.pieces.join('') }] };
    case 'tool':
      return { ...toolItem(block.use, id, offered), status: 'completed' };
  }
}

function usageOf(reply: Reply): Item {
  const output = reply.answer.blocks.reduce((sum, block) => sum + (block.type === 'tool' ? 20 : block.pieces.length), 0);
  return {
    input_tokens: reply.inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: reply.inputTokens + output,
  };
}

function responseOf(reply: Reply, status: string, output: Item[]): Item {
  return { id: `resp_${reply.id}`, object: 'response', status, model: reply.call.model, output };
}

function itemsOf(reply: Reply): Item[] {
  return reply.answer.blocks.map((block, index) => itemOf(block, `${reply.id}${index}`, reply.call.tools));
}

/** The answer as one JSON body. */
export function sendWhole(res: ServerResponse, reply: Reply): void {
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ ...responseOf(reply, 'completed', itemsOf(reply)), usage: usageOf(reply) }));
}

/** The answer as server-sent events, each delta written on its own; ends early when the client goes or the script says so. */
export async function sendStream(res: ServerResponse, reply: Reply): Promise<void> {
  const pace = new Pace(res, reply.answer);
  let number = 0;
  const emit = (type: string, fields: Item): boolean => pace.emit(type, { type, sequence_number: number++, ...fields });
  const items = itemsOf(reply);
  emit('response.created', { response: responseOf(reply, 'in_progress', []) });
  for (const [index, block] of reply.answer.blocks.entries()) {
    const item = items[index] ?? {};
    const place = { output_index: index, item_id: item.id };
    const bare = block.type === 'text' ? { content: [] } : block.type === 'thinking' ? { summary: [] } : {};
    emit('response.output_item.added', { output_index: index, item: { ...item, ...bare, status: 'in_progress' } });
    if (block.type === 'thinking')
      emit('response.reasoning_summary_part.added', { ...place, summary_index: 0, part: { type: 'summary_text', text: '' } });
    const type = block.type === 'thinking' ? 'response.reasoning_summary_text.delta' : 'response.output_text.delta';
    const part = block.type === 'thinking' ? { summary_index: 0 } : { content_index: 0 };
    const pieces = block.type === 'tool' ? [] : block.pieces;
    if (!(await pace.deltas(pieces, (delta) => emit(type, { ...place, ...part, delta })))) return;
    emit('response.output_item.done', { output_index: index, item });
  }
  emit('response.completed', { response: { ...responseOf(reply, 'completed', items), usage: usageOf(reply) } });
  pace.end();
}
