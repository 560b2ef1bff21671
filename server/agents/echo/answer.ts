import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Memory } from './memory.ts';
import type { EchoOutput } from './protocol.ts';

/** What an answer may use of the program around it. */
export interface Stage {
  memory: Memory;
  signal: AbortSignal;
  print(output: EchoOutput): void;
  raw(bytes: Buffer): void;
  /** Waits for the user's word on what was asked under this id; rejects when the turn is cancelled. */
  reply(id: string): Promise<{ allow: boolean; text: string }>;
}

/** Memory taken by `eat=`, kept until the process ends. */
const eaten: Buffer[] = [];

function numberIn(text: string, name: string): number | undefined {
  const found = new RegExp(`(?:^|\\s)${name}=(\\d+)(?=\\s|$)`).exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

function lineIn(text: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.+)$`, 'm').exec(text)?.[1];
}

/** Busy for `ms` milliseconds, but able to read a cancel. */
async function spin(ms: number, signal: AbortSignal): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end;) {
    for (const pause = performance.now() + 20; performance.now() < pause;);
    await sleep(0, undefined, { signal });
  }
}

async function ask(id: string, text: string, stage: Stage): Promise<string | undefined> {
  const what = lineIn(text, 'approve');
  if (what !== undefined) {
    stage.print({ type: 'approval', id: `${id}/approval`, what });
    const decision = await stage.reply(`${id}/approval`);
    return decision.allow ? `Approved: ${what}` : `Denied: ${what} (${decision.text})`;
  }
  const [question, ...options] = lineIn(text, 'ask')?.split('|') ?? [];
  if (question === undefined) return undefined;
  stage.print({ type: 'question', id: `${id}/question`, question, options });
  return `You chose: ${(await stage.reply(`${id}/question`)).text}`;
}

/** Things that tests want an agent to do wrong. */
async function misbehave(text: string, stage: Stage): Promise<string | undefined> {
  const code = numberIn(text, 'exit');
  if (code !== undefined) process.exit(code);
  if (/^crash\b/m.test(text)) process.kill(process.pid, 'SIGKILL');
  if (/^fail\b/m.test(text)) throw new Error('The message asked for a failure.');
  if (/^spin\b/m.test(text)) await spin(numberIn(text, 'spin') ?? 600_000, stage.signal);
  const raw = lineIn(text, 'raw');
  if (raw !== undefined) stage.raw(Buffer.from(raw, 'base64'));
  const length = numberIn(text, 'line');
  if (length !== undefined) stage.raw(Buffer.from(`{"type":"filler","text":"${'x'.repeat(Math.max(0, length - 27))}"}\n`));
  const megabytes = numberIn(text, 'eat');
  if (megabytes !== undefined) eaten.push(Buffer.alloc(megabytes * 2 ** 20, 1));
  const command = lineIn(text, 'spawn');
  if (command === undefined) return undefined;
  const child = spawn('sh', ['-c', command], { detached: true, stdio: 'ignore' });
  child.unref();
  return `Started ${child.pid}`;
}

function words(text: string, files: string[], memory: Memory): string[] {
  const count = numberIn(text, 'tokens');
  if (count !== undefined) return Array.from({ length: count }, (_, index) => (index ? ' ' : '') + `w${index + 1}`);
  const word = /remember the word (\S+)/.exec(text)?.[1];
  if (word !== undefined) {
    memory.word = word;
    return ['I will remember ', `${word}.`];
  }
  if (/what word/.test(text)) return [memory.word === null ? 'I know no word.' : `The word is ${memory.word}.`];
  return ['You said: ', text.slice(0, 200), ...(files.length ? [` (with ${files.join(', ')})`] : [])];
}

/** Does what a message says and tells the answer piece by piece; gives back its text and how many pieces it had. */
export async function answer(id: string, text: string, files: string[], stage: Stage): Promise<{ text: string; pieces: number }> {
  const message = `${id}/0`;
  const wait = numberIn(text, 'sleep');
  if (wait !== undefined) await sleep(wait, undefined, { signal: stage.signal });
  if (/^think\b/m.test(text)) stage.print({ type: 'delta', message: `${id}/thought`, text: 'Hm, an echo.', thinking: true });
  const tool = lineIn(text, 'tool');
  if (tool !== undefined) {
    stage.print({ type: 'tool', tool: `${id}/tool`, name: 'Pretend', state: 'started', text: tool });
    stage.print({ type: 'tool', tool: `${id}/tool`, name: 'Pretend', state: 'finished', text: `pretended ${tool}` });
  }
  const said = (await misbehave(text, stage)) ?? (await ask(id, text, stage));
  const pieces = said === undefined ? words(text, files, stage.memory) : [said];
  const delay = numberIn(text, 'delay') ?? 0;
  const startedAt = performance.now();
  for (const [index, piece] of pieces.entries()) {
    const left = startedAt + index * delay - performance.now();
    if (delay > 0 && left > 0) await sleep(left, undefined, { signal: stage.signal });
    stage.print({ type: 'delta', message, text: piece });
  }
  const whole = pieces.join('');
  stage.print({ type: 'said', message, text: whole });
  return { text: whole, pieces: pieces.length };
}
