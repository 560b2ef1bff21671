import { sending, type Dialect } from '../dialect.ts';
import type { ResponsesBody } from './conversation.ts';
import { lastInput, userTexts } from './conversation.ts';
import { sendError, sendStream, sendWhole } from './reply.ts';

function isResponsesBody(body: unknown): body is ResponsesBody {
  return typeof body === 'object' && body !== null && Array.isArray((body as { input?: unknown }).input);
}

/** OpenAI's Responses API, for Codex. */
export const responses: Dialect = {
  name: 'responses',
  asks: (method, path) => method === 'POST' && path === '/v1/responses',
  read: (body) => {
    if (!isResponsesBody(body)) return null;
    const tools = (body.tools ?? []).map(({ name }) => name ?? '');
    return {
      model: body.model ?? '',
      stream: body.stream === true,
      effort: body.reasoning?.effort,
      side: tools.length === 0,
      messages: body.input.length,
      size: JSON.stringify(body.input).length,
      tools,
      last: lastInput(body),
      earlier: userTexts(body).slice(0, -1),
    };
  },
  sendError,
  send: sending(sendStream, sendWhole),
};
