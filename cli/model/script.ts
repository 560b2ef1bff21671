import { createHash } from 'node:crypto';

/** What a conversation ends with: a user's words, or what came of a tool. */
export type LastInput = { kind: 'text'; text: string } | { kind: 'tool'; text: string; failed: boolean };

/** What the script looks at: the last input, and what users said before it, oldest first. */
export interface Prompt {
  last: LastInput;
  earlier: string[];
}

/** What the script wants of a tool; each dialect knows how its agents' tools are called. */
export type ToolUse =
  | { kind: 'mcp'; server: string; tool: string }
  | { kind: 'run'; command: string }
  | { kind: 'write'; path: string; content: string }
  | { kind: 'ask'; question: string; labels: string[] };

/** A block of an answer; `pieces` become one delta each. */
export type AnswerBlock = { type: 'text'; pieces: string[] } | { type: 'thinking'; pieces: string[] } | { type: 'tool'; use: ToolUse };

/** What the model does with a request. */
export type Answer =
  { kind: 'blocks'; blocks: AnswerBlock[]; delayMs: number; cut: boolean } | { kind: 'status'; status: number } | { kind: 'hang' };

function inPieces(text: string, size = 12): string[] {
  const chars = Array.from(text);
  const pieces: string[] = [];
  for (let at = 0; at < chars.length; at += size) pieces.push(chars.slice(at, at + size).join(''));
  return pieces.length ? pieces : [''];
}

function numberOf(text: string, name: string): number | undefined {
  const found = new RegExp(`(?:^|\\s)${name}=(\\d+)(?=\\s|$)`).exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

function lineOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.+)$`, 'm').exec(text)?.[1];
}

function toolFor(text: string): ToolUse | undefined {
  const command = lineOf(text, 'run');
  if (command !== undefined) return { kind: 'run', command };
  const [, path = '', content = ''] = /^(\S+) ?(.*)$/.exec(lineOf(text, 'write') ?? '') ?? [];
  if (path !== '') return { kind: 'write', path, content };
  const [, server = '', tool = ''] = /^(\S+) (\S+)$/.exec(lineOf(text, 'mcp') ?? '') ?? [];
  if (server !== '') return { kind: 'mcp', server, tool };
  const ask = lineOf(text, 'ask');
  if (ask === undefined) return undefined;
  const [question = '', ...labels] = ask.split('|');
  return { kind: 'ask', question, labels };
}

function wordsFor(text: string, earlier: string[]): string[] {
  const count = numberOf(text, 'tokens');
  if (count !== undefined) return Array.from({ length: count }, (_, index) => (index ? ' ' : '') + `w${index + 1}`);
  const size = numberOf(text, 'size');
  if (size !== undefined) return inPieces('x'.repeat(size), Math.max(1, Math.ceil(size / 4)));
  const remembered = /remember the word (\S+)/;
  const word = remembered.exec(text)?.[1];
  if (word !== undefined) return inPieces(`I will remember ${word}.`);
  if (/what word/.test(text)) {
    const known = earlier.toReversed().flatMap((said) => remembered.exec(said)?.[1] ?? [])[0];
    return inPieces(known === undefined ? 'I know no word.' : `The word is ${known}.`);
  }
  if (/^length\b/m.test(text)) return [`${text.length}:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`];
  return inPieces(`You said: ${text.slice(0, 200)}`);
}

/**
 * What the scripted model answers: the same request always gets the same answer. The last input decides, by what it says:
 *
 *     tokens=N delay=MS           N tokens, each its own delta, MS milliseconds apart
 *     size=N                      one text of N bytes in four deltas
 *     remember the word X         and in a later turn `what word`: answered from the conversation in the request
 *     length                      the number of characters of the message and the start of its SHA-256
 *     status=529   hang   cut     fails with this status; never answers; breaks off in the middle of the stream
 *
 * and by its lines: `run: COMMAND`, `write: PATH CONTENT`, `ask: QUESTION|OPTION|OPTION`, `mcp: SERVER TOOL` use a tool, `say: TEXT` says
 * something before, `think` thinks first. Anything else is repeated: `You said: …`. A tool's result: `Tool said: …`.
 */
export function answerTo({ last: input, earlier }: Prompt): Answer {
  const answer = (blocks: AnswerBlock[], delayMs = 0, cut = false): Answer => ({ kind: 'blocks', blocks, delayMs, cut });
  if (input.kind === 'tool') {
    return answer([{ type: 'text', pieces: inPieces(`Tool ${input.failed ? 'was refused' : 'said'}: ${input.text.slice(0, 200)}`) }]);
  }
  const text = input.text;
  const status = numberOf(text, 'status');
  if (status !== undefined && status >= 400 && status < 600) return { kind: 'status', status };
  if (/^hang\b/m.test(text)) return { kind: 'hang' };
  const blocks: AnswerBlock[] = [];
  if (/^think\b/m.test(text)) blocks.push({ type: 'thinking', pieces: inPieces('Let me think about this for a moment.') });
  const tool = toolFor(text);
  const say = lineOf(text, 'say');
  if (say !== undefined) blocks.push({ type: 'text', pieces: inPieces(say) });
  if (tool) blocks.push({ type: 'tool', use: tool });
  else if (say === undefined) blocks.push({ type: 'text', pieces: wordsFor(text, earlier) });
  return answer(blocks, numberOf(text, 'delay') ?? 0, /^cut\b/m.test(text));
}
