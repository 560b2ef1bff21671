import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { eachLine } from '../bare-claude.ts';
import type { Cleanup } from '../cleanup.ts';
import type { TimedAnswer } from '../timed-answer.ts';
import type { Dialogue, Protocol } from './protocol.ts';

/** Time that it has to end by itself when its input ends, in milliseconds. */
const END_MS = 5_000;

export interface BareProgram {
  command: string;
  protocol: Protocol;
  /** Its whole environment. */
  env: Record<string, string>;
  project: string;
}

/** An agent's program on plain pipes: what is left when the server is taken away. */
export class BareAgent {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #early: boolean;
  readonly #dialogue: Dialogue;
  readonly startedAt = performance.now();
  /** Resolves when it can take messages. */
  readonly ready: Promise<void>;
  #answer: TimedAnswer = { sentAt: 0, deltas: [] };
  #settle = Promise.withResolvers<void>();
  #said = '';

  constructor({ command, protocol, env, project }: BareProgram, cleanup: Cleanup) {
    // A process group of its own: behind npm's shims there are more processes.
    this.#child = spawn(command, protocol.args, { cwd: project, env, detached: true });
    cleanup.add(() => this.end());
    this.#early = protocol.early;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    const failed = (error: Error): void => {
      ready.reject(error);
      this.#settle.reject(error);
    };
    // Whoever waits for them hears of it; nobody has to.
    ready.promise.catch(() => undefined);
    this.#settle.promise.catch(() => undefined);
    const heard = {
      ready: ready.resolve,
      text: (text: string) => void this.#answer.deltas.push({ at: performance.now(), text }),
      ended: (trouble?: string) => (trouble === undefined ? this.#settle.resolve() : failed(new Error(`${command}: ${trouble}`))),
    };
    this.#dialogue = protocol.begin((message) => this.#child.stdin.write(`${JSON.stringify(message)}\n`), heard, project);
    eachLine(this.#child.stdout, (line) => this.#dialogue.hear(line));
    this.#child.stdin.on('error', failed);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#said = (this.#said + text).slice(-1_000)));
    this.#child.once('error', failed);
    this.#child.once('exit', (code, signal) => failed(new Error(`${command} ended (${code ?? signal}): ${this.#said}`)));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends a message, the first one as soon as the protocol lets; resolves with its timed answer when that has ended. */
  async send(text: string): Promise<TimedAnswer> {
    if (!this.#early) await this.ready;
    this.#settle = Promise.withResolvers<void>();
    const answer: TimedAnswer = { sentAt: performance.now(), deltas: [] };
    this.#answer = answer;
    this.#dialogue.say(text);
    await this.#settle.promise;
    return answer;
  }

  /** Ends its input, waits for its exit, and ends what is left of its process group. */
  async end(): Promise<void> {
    if (this.#child.pid === undefined) return;
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.stdin.end();
      await Promise.race([exited, sleep(END_MS)]);
    }
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // none is left
    }
  }
}
