import type { LastInput } from '../../script.ts';
import { ownWords } from '../own-words.ts';

/** A request to /v1/chat/completions; only what the script looks at. */
export interface ChatBody {
  reasoning_effort?: string;
  model?: string;
  stream?: boolean;
  tools?: { function?: { name?: string } }[];
  messages: ChatMessage[];
}
interface ChatMessage {
  role: string;
  content?: string | { type?: string; text?: string }[] | null;
}

/** How agents word that a tool was refused or failed: this API has no mark for it. */
const refusal = /rejected|denied|cancell?ed by|not allowed|user refused/i;

function textOf({ content }: ChatMessage): string {
  return typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('\n');
}

/** The last thing that a user or a tool said. */
export function lastInput(body: ChatBody): LastInput {
  for (const message of body.messages.toReversed()) {
    if (message.role === 'tool') return { kind: 'tool', text: textOf(message), failed: refusal.test(textOf(message)) };
    const text = message.role === 'user' ? ownWords(textOf(message)) : '';
    if (text !== '') return { kind: 'text', text };
  }
  return { kind: 'text', text: '' };
}

/** Everything that users said, oldest first. */
export function userTexts(body: ChatBody): string[] {
  return body.messages.flatMap((message) => (message.role === 'user' ? [ownWords(textOf(message))] : [])).filter((text) => text !== '');
}
