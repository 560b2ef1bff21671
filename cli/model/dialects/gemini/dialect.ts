import { sending, type Dialect } from '../dialect.ts';
import type { GenerateBody } from './conversation.ts';
import { lastInput, userTexts } from './conversation.ts';
import { sendError, sendStream, sendWhole } from './reply.ts';

const called = /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/;

function isGenerateBody(body: unknown): body is GenerateBody {
  return typeof body === 'object' && body !== null && Array.isArray((body as { contents?: unknown }).contents);
}

/** Google's Gemini API, for Gemini CLI. */
export const gemini: Dialect = {
  name: 'gemini',
  asks: (method, path) => method === 'POST' && (called.exec(path)?.[2] ?? 'countTokens') !== 'countTokens',
  read: (body, path) => {
    if (!isGenerateBody(body)) return null;
    const tools = (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? []).map(({ name }) => name ?? '');
    return {
      model: called.exec(path)?.[1] ?? '',
      stream: path.endsWith(':streamGenerateContent'),
      side: tools.length === 0,
      messages: body.contents.length,
      size: JSON.stringify(body.contents).length,
      tools,
      last: lastInput(body),
      earlier: userTexts(body).slice(0, -1),
    };
  },
  beside: (method, path, body) => {
    if (method !== 'POST' || called.exec(path)?.[2] !== 'countTokens' || !isGenerateBody(body)) return undefined;
    return { totalTokens: Math.ceil(JSON.stringify(body.contents).length / 4) };
  },
  sendError,
  send: sending(sendStream, sendWhole),
};
