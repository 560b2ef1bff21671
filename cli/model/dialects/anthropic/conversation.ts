import type { LastInput } from '../../script.ts';

/** One block of a message as the Anthropic API carries it; only what the script looks at. */
export interface ContentBlock {
  type: string;
  text?: string;
  is_error?: boolean;
  content?: unknown;
}

/** A request to /v1/messages; only what the script looks at. */
export interface MessagesBody {
  output_config?: { effort?: string };
  model?: string;
  stream?: boolean;
  max_tokens?: number;
  tools?: { name?: string }[];
  messages: { role: string; content: string | ContentBlock[] }[];
}

const reminder = /<system-reminder>[\s\S]*?<\/system-reminder>/g;

/** How texts begin that the CLI adds by itself: after an interrupt, and after an image. */
const remarks = ['[Request interrupted by user', '[Image: source: ', '<local-command-'];

/** The words of a block without what the CLI puts around them; empty for its own remarks. */
function ownWords(text: string): string {
  const words = text.includes('<system-reminder>') ? text.replace(reminder, '').trim() : text;
  return remarks.some((remark) => words.startsWith(remark)) ? '' : words;
}

function blocksOf(content: string | ContentBlock[]): ContentBlock[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function toolText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: ContentBlock) => (part?.type === 'text' ? (part.text ?? '') : '')).join('');
}

/**
 * The last thing that a user or a tool said. Only the last block counts: the CLI merges messages that follow each
 * other, such as one that was cancelled and the next.
 */
export function lastInput(body: MessagesBody): LastInput {
  for (const message of body.messages.toReversed()) {
    if (message.role !== 'user') continue;
    for (const block of blocksOf(message.content).toReversed()) {
      if (block.type === 'tool_result') return { kind: 'tool', text: ownWords(toolText(block.content)), failed: block.is_error === true };
      const text = block.type === 'text' ? ownWords(block.text ?? '') : '';
      if (text !== '') return { kind: 'text', text };
    }
  }
  return { kind: 'text', text: '' };
}

/** Everything that users said, oldest first. */
export function userTexts(body: MessagesBody): string[] {
  return body.messages
    .filter((message) => message.role === 'user')
    .flatMap((message) => blocksOf(message.content))
    .map((block) => (block.type === 'text' ? ownWords(block.text ?? '') : ''))
    .filter((text) => text !== '');
}

/** Whether the CLI asks for itself (a title, a quota probe) and not for the user: only the user's requests carry tools. */
export function isSideRequest(body: MessagesBody): boolean {
  return body.max_tokens === 1 || !body.tools?.length || (body.model ?? '').includes('haiku');
}
