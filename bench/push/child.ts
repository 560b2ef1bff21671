import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';

/** A program of this folder in a process of its own, which is talked to by messages. */
export class Child<Request extends object, Message> {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts it; resolves with its first message. */
  static async start<Request extends object, Message>(
    cleanup: Cleanup,
    program: string,
    args: readonly string[],
  ): Promise<{ child: Child<Request, Message>; first: Message }> {
    const process = fork(join(import.meta.dirname, program), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    cleanup.add(() => void process.kill('SIGKILL'));
    const child = new Child<Request, Message>(process);
    return { child, first: await child.next() };
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its next message; rejects when it ends instead. */
  next(): Promise<Message> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`A program of the benchmark ended with ${code}.`));
      this.#child.once('exit', ended);
      this.#child.once('message', (message) => {
        this.#child.off('exit', ended);
        resolve(message as Message);
      });
    });
  }

  /** Sends it something, and gives its next message. */
  ask(request: Request): Promise<Message> {
    const answer = this.next();
    this.#child.send(request);
    return answer;
  }
}
