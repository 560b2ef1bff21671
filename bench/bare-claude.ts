import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { claudeDriver } from '../server/agents/claude/driver.ts';
import { begin, launch } from '../server/agents/claude/launch.ts';
import type { Cleanup } from './cleanup.ts';
import type { ClaudeStage } from './stage.ts';
import type { TimedAnswer } from './timed-answer.ts';

interface CliLine {
  type: string;
  event?: { type: string; delta?: { type: string; text?: string } };
}

/** The text of a delta; undefined for any other line. */
function deltaOf(line: CliLine): string | undefined {
  const delta = line.type === 'stream_event' && line.event?.type === 'content_block_delta' ? line.event.delta : undefined;
  return delta?.type === 'text_delta' ? delta.text : undefined;
}

/** Calls back with each line as it comes. */
export function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

/** A conversation of the CLI's own: a new one of this id, or one to go on with. */
export interface Conversation {
  id: string;
  resume: boolean;
}

/** The same CLI with the same flags as the server gives it, on plain pipes: what is left when the server is taken away. */
export class BareClaude {
  readonly #child: ChildProcessWithoutNullStreams;
  /** Resolves when it has answered `initialize`, which is when the server calls a session ready. */
  readonly ready: Promise<void>;
  #begun: () => void = () => undefined;
  #answer: TimedAnswer = { sentAt: 0, deltas: [] };
  #done: () => void = () => undefined;

  constructor(stage: ClaudeStage, cleanup: Cleanup, { id, resume }: Conversation = { id: randomUUID(), resume: false }) {
    const { command, env, project } = stage;
    const request = { agentSessionId: id, resume, projectPath: project, mode: 'ask', model: null, command } as const;
    const spec = launch({ ...request, filesPath: join(project, 'files'), temporaryPath: '' });
    this.#child = spawn(spec.file, spec.args, { cwd: project, env: { ...env, ...spec.env } });
    cleanup.add(() => void this.#child.kill('SIGKILL'));
    this.#child.stderr.resume();
    this.ready = new Promise((resolve) => (this.#begun = resolve));
    eachLine(this.#child.stdout, (line) => this.#read(JSON.parse(line) as CliLine));
    for (const line of begin({ ...request, filesPath: '', temporaryPath: '' }).lines) this.#child.stdin.write(`${line}\n`);
  }

  /** Sends a message; resolves with its timed answer when that has ended. */
  async send(text: string): Promise<TimedAnswer> {
    const id = randomUUID();
    const state = claudeDriver.begin({
      agentSessionId: '',
      resume: false,
      projectPath: '',
      mode: 'ask',
      model: null,
      filesPath: '',
      temporaryPath: '',
      command: '',
    }).state;
    const { lines } = claudeDriver.encode({ kind: 'message', turnId: id, agentMessageId: id, text, parts: [] }, state);
    const done = new Promise<void>((resolve) => (this.#done = resolve));
    const answer: TimedAnswer = { sentAt: performance.now(), deltas: [] };
    this.#answer = answer;
    this.#child.stdin.write(`${lines.join('\n')}\n`);
    await done;
    return answer;
  }

  /** Ends its input; resolves when it has saved the conversation and ended. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    await ended;
  }

  #read(line: CliLine): void {
    if (line.type === 'control_response') this.#begun();
    const text = deltaOf(line);
    if (text !== undefined) this.#answer.deltas.push({ at: performance.now(), text });
    if (line.type === 'result') this.#done();
  }
}

/** A process for one message of a conversation, as scripts do it: from spawn to the first piece of text, in milliseconds. */
export function processPerMessage(stage: ClaudeStage, conversation: Conversation, text: string): Promise<number> {
  const { command, env, project } = stage;
  const place = [conversation.resume ? '--resume' : '--session-id', conversation.id];
  const args = ['-p', text, ...place, '--output-format', 'stream-json', '--include-partial-messages', '--verbose'];
  const startedAt = performance.now();
  const child = spawn(command, args, { cwd: project, env: { ...env, DISABLE_AUTOUPDATER: '1' }, stdio: ['ignore', 'pipe', 'ignore'] });
  return new Promise((resolve, reject) => {
    let first: number | undefined;
    eachLine(child.stdout, (line) => {
      if (first === undefined && deltaOf(JSON.parse(line) as CliLine) !== undefined) first = performance.now() - startedAt;
    });
    child.once('error', reject);
    child.once('close', (code) => (first === undefined ? reject(new Error(`The CLI ended with ${code} and no text.`)) : resolve(first)));
  });
}
