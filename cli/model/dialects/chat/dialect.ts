import { sending, type Dialect } from '../dialect.ts';
import type { ChatBody } from './conversation.ts';
import { lastInput, userTexts } from './conversation.ts';
import { sendError, sendStream, sendWhole } from './reply.ts';

function isChatBody(body: unknown): body is ChatBody {
  return typeof body === 'object' && body !== null && Array.isArray((body as { messages?: unknown }).messages);
}

/** OpenAI's Chat Completions API, for Copilot, OpenCode and most others. */
export const chat: Dialect = {
  name: 'chat',
  asks: (method, path) => method === 'POST' && path === '/v1/chat/completions',
  read: (body) => {
    if (!isChatBody(body)) return null;
    const tools = (body.tools ?? []).map((tool) => tool.function?.name ?? '');
    return {
      model: body.model ?? '',
      stream: body.stream === true,
      effort: body.reasoning_effort,
      side: tools.length === 0,
      messages: body.messages.length,
      size: JSON.stringify(body.messages).length,
      tools,
      last: lastInput(body),
      earlier: userTexts(body).slice(0, -1),
    };
  },
  sendError,
  send: sending(sendStream, sendWhole),
};
