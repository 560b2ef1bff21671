import { randomUUID } from 'node:crypto';
import { transcriptsOf } from '../../test/agents/replay.ts';

/** A message whose answer is a few blocks: thinking, text, a tool, text. As the real CLI printed it. */
const RECORDED = 'claude-2.1.329/multi-block';
/** Deltas that each text block of the recording is stretched to. */
const DELTAS = 150;

/** What an agent printed in one turn. `agentMessageId` is the message that it answers. */
export interface RecordedTurn {
  turnId: string;
  agentMessageId: string;
  out: Buffer;
}

/** Turns of a recorded transcript, each under ids of its own, with its text stretched to the length of a real answer. */
export function turns(count: number): RecordedTurn[] {
  const entries = transcriptsOf('claude').find(({ name }) => name === RECORDED)?.entries;
  if (!entries) throw new Error(`There is no transcript ${RECORDED}.`);
  const first = entries.findIndex((entry) => entry.dir === 'in' && entry.command?.kind === 'message');
  const sent = entries[first];
  const agentMessageId = sent?.dir === 'in' && sent.command?.kind === 'message' ? sent.command.agentMessageId : '';
  const lines = entries.slice(first).flatMap((entry) => (entry.dir === 'out' ? stretched(entry.line) : []));
  const text = `${lines.join('\n')}\n`;
  const messageIds = [...new Set(text.match(/msg_[0-9a-f]{8,}/g))];
  return Array.from({ length: count }, (_, index) => {
    const own = randomUUID();
    const renamed = messageIds.reduce((whole, id) => whole.replaceAll(id, `${id}${index}`), text);
    return { turnId: own, agentMessageId: own, out: Buffer.from(renamed.replaceAll(agentMessageId, own)) };
  });
}

/** A delta of text becomes many, each of a word, as a model sends them. */
function stretched(line: string): string[] {
  if (!line.includes('"text_delta"')) return [line];
  const text = /"type":"text_delta","text":"(?:[^"\\]|\\.)*"/;
  return Array.from({ length: DELTAS }, (_, index) => line.replace(text, `"type":"text_delta","text":" word${index}"`));
}

/** How an `out` was cut when it was read: the sizes of the chunks, each ending after a line. */
export type Cut = { lines: number } | { bytes: number };

/** Sizes of the chunks in which a tailer reads `out`, if it finds that many lines, or fills its buffer, each time. */
export function chunkSizes(out: Buffer, cut: Cut): number[] {
  if ('bytes' in cut) {
    return Array.from({ length: Math.ceil(out.length / cut.bytes) }, (_, index) => Math.min(cut.bytes, out.length - index * cut.bytes));
  }
  const sizes: number[] = [];
  let from = 0;
  let lines = 0;
  for (let at = out.indexOf(10); at >= 0; at = out.indexOf(10, at + 1)) {
    lines += 1;
    if (lines % cut.lines !== 0 && at !== out.length - 1) continue;
    sizes.push(at + 1 - from);
    from = at + 1;
  }
  return sizes;
}
