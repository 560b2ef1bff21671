import { writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { answer } from './answer.ts';
import { loadMemory, saveMemory } from './memory.ts';
import type { EchoInput, EchoOutput } from './protocol.ts';

// The echo agent: program.ts --session|--resume ID [--fork OTHER]. Reads and prints JSON lines, ends with its input. Like a real agent it keeps
// its conversations in the home folder, where any later process finds them.
const [how, session = '', , forkOf] = process.argv.slice(2);
const folder = join(homedir(), '.holdfast-echo');
const known = how === '--resume' ? session : forkOf;
const loaded = known === undefined ? { word: null, messages: 0 } : loadMemory(folder, known);
if (!loaded || session === '') {
  print({ type: 'refused', detail: `No conversation found: ${known ?? ''}` });
  process.exit(1);
}
const memory = loaded;
const waiting = new Map<string, (reply: { allow: boolean; text: string }) => void>();
/** Of each message that has come and is not answered, the first one first: a cancel may overtake the begin of its turn. */
const turns: AbortController[] = [];
let queue = Promise.resolve();
let stubborn = false;

function raw(bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      // A full pipe that doesn't block: the reader needs a moment.
      if ((error as { code?: string }).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function print(output: EchoOutput): void {
  raw(Buffer.from(`${JSON.stringify(output)}\n`));
}

function reply(id: string, signal: AbortSignal): Promise<{ allow: boolean; text: string }> {
  return new Promise((resolve, reject) => {
    waiting.set(id, resolve);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

async function take(turn: AbortController, { id, text, files }: Extract<EchoInput, { type: 'message' }>): Promise<void> {
  const inputTokens = Math.ceil(text.length / 4);
  print({ type: 'begun', id });
  try {
    turn.signal.throwIfAborted();
    if (/^ignore-term\b/m.test(text)) beStubborn();
    const stage = { memory, signal: turn.signal, print, raw, reply: (what: string) => reply(what, turn.signal) };
    const { text: said, pieces } = await answer(id, text, files, stage);
    memory.messages++;
    saveMemory(folder, session, memory);
    print({ type: 'ended', id, outcome: 'completed', text: said, inputTokens, outputTokens: pieces });
  } catch (error) {
    const outcome = turn.signal.aborted ? 'cancelled' : 'failed';
    print({ type: 'ended', id, outcome, text: error instanceof Error ? error.message : String(error), inputTokens, outputTokens: 0 });
  } finally {
    waiting.clear();
    turns.splice(turns.indexOf(turn), 1);
  }
}

/** From now on neither SIGTERM nor the end of input ends this process. */
function beStubborn(): void {
  stubborn = true;
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 60_000);
}

function obey(input: EchoInput): void {
  switch (input.type) {
    case 'message': {
      const turn = new AbortController();
      turns.push(turn);
      print({ type: 'received', id: input.id });
      queue = queue.then(() => take(turn, input));
      return;
    }
    case 'cancel':
      turns[0]?.abort();
      return;
    case 'decision':
      waiting.get(input.id)?.({ allow: input.allow, text: input.reason });
      return;
    case 'answers':
      waiting.get(input.id)?.({ allow: true, text: Object.values(input.answers).join(', ') });
  }
}

let rest: Buffer[] = [];
process.stdin.on('data', (chunk: Buffer) => {
  for (let from = 0; ;) {
    const end = chunk.indexOf(10, from);
    if (end < 0) {
      rest.push(chunk.subarray(from));
      return;
    }
    rest.push(chunk.subarray(from, end));
    const line = Buffer.concat(rest).toString('utf8');
    rest = [];
    from = end + 1;
    obey(JSON.parse(line) as EchoInput);
  }
});
process.stdin.on('end', () => {
  if (!stubborn) process.exit(0);
});
saveMemory(folder, session, memory);
print({ type: 'ready', session });
