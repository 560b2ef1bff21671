import { sending, type Dialect } from '../dialect.ts';
import type { MessagesBody } from './conversation.ts';
import { isSideRequest, lastInput, userTexts } from './conversation.ts';
import { sendError, sendStream, sendWhole } from './reply.ts';

function isMessagesBody(body: unknown): body is MessagesBody {
  return typeof body === 'object' && body !== null && Array.isArray((body as { messages?: unknown }).messages);
}

/** Anthropic's Messages API, for Claude Code. */
export const anthropic: Dialect = {
  name: 'anthropic',
  asks: (method, path) => method === 'POST' && path === '/v1/messages',
  read: (body) =>
    isMessagesBody(body)
      ? {
          model: body.model ?? '',
          stream: body.stream === true,
          effort: body.output_config?.effort,
          side: isSideRequest(body),
          messages: body.messages.length,
          size: JSON.stringify(body.messages).length,
          tools: (body.tools ?? []).map(({ name }) => name ?? ''),
          last: lastInput(body),
          earlier: userTexts(body).slice(0, -1),
        }
      : null,
  beside: (method, path, body) => {
    if (method !== 'POST' || path !== '/v1/messages/count_tokens' || !isMessagesBody(body)) return undefined;
    return { input_tokens: Math.ceil(JSON.stringify(body.messages).length / 4) };
  },
  sendError,
  send: sending(sendStream, sendWhole),
};
