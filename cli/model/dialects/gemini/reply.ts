import type { ServerResponse } from 'node:http';
import type { AnswerBlock, ToolUse } from '../../script.ts';
import type { Reply } from '../dialect.ts';
import { Pace } from '../pace.ts';

type Json = Record<string, unknown>;
const statuses: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
};

/** Answers with an error in the API's own shape. */
export function sendError(res: ServerResponse, status: number, message: string): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ error: { code: status, message, status: statuses[status] ?? 'UNAVAILABLE' } }));
}

/** How Gemini CLI's own tools are called for what the script wants. */
function callFor(use: ToolUse): Json {
  switch (use.kind) {
    case 'mcp':
      return { name: `mcp_${use.server}_${use.tool}`, args: {} };
    case 'run':
      return { name: 'run_shell_command', args: { command: use.command, description: 'Runs what the message asks for' } };
    case 'write':
      return { name: 'write_file', args: { file_path: use.path, content: use.content } };
    case 'ask': {
      const options = use.labels.map((label) => ({ label, description: `Choose ${label}` }));
      return { name: 'ask_user', args: { questions: [{ question: use.question, header: 'Choice', type: 'choice', options }] } };
    }
  }
}

function partsOf(block: AnswerBlock): Json[] {
  if (block.type === 'tool') return [{ functionCall: callFor(block.use) }];
  return block.pieces.map((text) => (block.type === 'text' ? { text } : { text, thought: true }));
}

function chunk(reply: Reply, parts: unknown[], count: number, finish?: string): Json {
  const candidate = { content: { role: 'model', parts }, index: 0, ...(finish === undefined ? {} : { finishReason: finish }) };
  const usage = { promptTokenCount: reply.inputTokens, candidatesTokenCount: count, totalTokenCount: reply.inputTokens + count };
  return { candidates: [candidate], usageMetadata: usage, modelVersion: reply.call.model, responseId: reply.id };
}

/** The answer as one JSON body. */
export function sendWhole(res: ServerResponse, reply: Reply): void {
  const parts = reply.answer.blocks.flatMap(partsOf);
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(chunk(reply, parts, parts.length, 'STOP')));
}

/** The answer as server-sent chunks, each delta written on its own; ends early when the client goes or the script says so. */
export async function sendStream(res: ServerResponse, reply: Reply): Promise<void> {
  const pace = new Pace(res, reply.answer);
  let count = 0;
  for (const block of reply.answer.blocks) {
    if (!(await pace.deltas(partsOf(block), (part) => pace.emit(null, chunk(reply, [part], ++count))))) return;
  }
  pace.emit(null, chunk(reply, [{ text: '' }], count, 'STOP'));
  pace.end();
}
