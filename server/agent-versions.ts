import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { agents } from '../config/agents.ts';
import type { Agent } from './sessions/context.ts';

/** Time that a program has to say its version before it is killed, in milliseconds. */
const ASK_MS = 20_000;
/** Time for which whoever asks for all agents waits for that, in milliseconds. */
const WAIT_MS = 3_000;

interface Asked {
  /** The program's path, and what changes when another is put in its place. */
  program: string;
  version: string | undefined;
  done: Promise<void>;
}

/** Asks each installed agent for its version: once for each program, and again when that was replaced. */
export class AgentVersions {
  readonly #asked = new Map<string, Asked>();
  readonly #askMs: number;

  constructor(askMs: number = ASK_MS) {
    this.#askMs = askMs;
  }

  /** Asks those that are new; resolves when all have answered, or a while later. */
  async learn(installed: ReadonlyMap<string, Agent>): Promise<void> {
    for (const { agent, binary, versionArgs } of agents) {
      const command = binary === null ? null : (installed.get(agent)?.command() ?? null);
      const program = command === null ? null : stamped(command);
      if (command === null || program === null) this.#asked.delete(agent);
      else if (this.#asked.get(agent)?.program !== program)
        this.#ask(agent, [command, ...(versionArgs ?? ['--version'])], program, installed.get(agent)?.environment() ?? {});
    }
    const all = Promise.all([...this.#asked.values()].map(({ done }) => done)).then(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, WAIT_MS).unref()));
    await Promise.race([all, late]);
    clearTimeout(timer);
  }

  /** What `--version` printed, as a version; undefined where it is not known, or not yet. */
  of(agent: string): string | undefined {
    return this.#asked.get(agent)?.version;
  }

  #ask(agent: string, [command = '', ...args]: string[], program: string, env: Record<string, string>): void {
    const asked: Asked = { program, version: undefined, done: Promise.resolve() };
    asked.done = new Promise((resolve) => {
      try {
        execFile(command, args, { timeout: this.#askMs, killSignal: 'SIGKILL', env }, (error, stdout) => {
          // Some tell it at the end of a sentence.
          const version = /\d+(?:\.\d+)+(?:\S*\w)?/.exec(stdout)?.[0];
          if (!error && version !== undefined) asked.version = version;
          resolve();
        }).unref();
      } catch {
        // Some failures to start are thrown, as of a program that is being written at this moment: it is asked again next time.
        asked.program = '';
        resolve();
      }
    });
    this.#asked.set(agent, asked);
  }
}

/** Package managers may give each version's files the same time, so that alone does not tell a program from its successor. */
function stamped(command: string): string | null {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(command);
    return [command, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch {
    return null;
  }
}

/** Whether a version comes before another: by its first three numbers; one that is missing counts as 0. */
export function isOlder(version: string, than: string): boolean {
  const numbers = (text: string): number[] => (/^\d+(?:\.\d+){0,2}/.exec(text)?.[0] ?? '').split('.').map(Number);
  const [one, other] = [numbers(version), numbers(than)];
  const differs = [0, 1, 2].find((index) => (one[index] ?? 0) !== (other[index] ?? 0));
  return differs !== undefined && (one[differs] ?? 0) < (other[differs] ?? 0);
}
