import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/find-command.ts';
import { readTable } from '../../server/process/process-table.ts';
import { eventually } from '../support/eventually.ts';
import { programEnv } from '../support/program-env.ts';

const run = promisify(execFile);
const demo = join(packageRoot, 'cli/demo.ts');

/** `npm run demo` in a process of its own, with a temporary folder of its own, so that demos of other tests are not its business. */
class RunningDemo {
  readonly temporary: string;
  output = '';
  readonly #child: ChildProcess;

  constructor(temporary: string = mkdtempSync(join(tmpdir(), 'holdfast-test-')), env: Record<string, string> = {}) {
    this.temporary = temporary;
    this.#child = spawn(process.execPath, [demo], {
      cwd: temporary,
      env: { ...programEnv, HOME: temporary, TMPDIR: temporary, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', (bytes: Buffer) => (this.output += bytes.toString()));
  }

  async ready(): Promise<this> {
    await eventually(() => this.output.includes('Ctrl-C here ends'));
    return this;
  }

  /** The command that stands under a number. */
  command(number: 1 | 2 | 3 | 4 | 5): string {
    const found = new RegExp(`^${number}\\. [\\s\\S]*?\\n\\n((?:curl |kill |ID=)[\\s\\S]*?)\\n\\n`, 'm').exec(this.output)?.[1];
    if (found === undefined) throw new Error(`No command ${number} in: ${this.output}`);
    return found;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  number(pattern: RegExp): number {
    return Number(pattern.exec(this.output)?.[1]);
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const exit = once(this.#child, 'exit') as Promise<[number | null]>;
    this.#child.kill(signal);
    return (await exit)[0];
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Folders that demos have made. */
  folders(): string[] {
    return readdirSync(this.temporary).filter((name) => name.startsWith('holdfast-demo-'));
  }

  /** Live processes of this demo, known by the temporary folder in their environment (Linux) or arguments. */
  async processes(): Promise<number[]> {
    const { stdout } = await run('ps', ['-eo', 'pid=,stat=,args=', 'ww'], { maxBuffer: 16 * 1024 * 1024 });
    return stdout.split('\n').flatMap((line) => {
      const [, pid = '', stat = ''] = /^\s*(\d+)\s+(\S+)/.exec(line) ?? [];
      const mentioned = line.includes(this.temporary) || environmentOf(pid).includes(this.temporary);
      return pid !== '' && !stat.startsWith('Z') && mentioned ? [Number(pid)] : [];
    });
  }

  /** For a test that failed: ends what the demo did not. */
  async sweep(): Promise<void> {
    await this.end('SIGTERM');
    for (const pid of await this.processes()) process.kill(pid, 'SIGKILL');
    rmSync(this.temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // gone, or not on Linux
  }
}

function sh(command: string): Promise<{ stdout: string }> {
  // A read that its --max-time ends is a failure to curl, and what command 3 means.
  return run('sh', ['-c', `${command}\ntrue`], { timeout: 40_000, maxBuffer: 16 * 1024 * 1024 });
}

function eventsOf(stream: string): { seq: number; kind: string; data: { pid?: number; text?: string; delta?: string } }[] {
  return [...stream.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json ?? ''));
}

describe('npm run demo', () => {
  const running: RunningDemo[] = [];
  const start = (...args: ConstructorParameters<typeof RunningDemo>): Promise<RunningDemo> => {
    const started = new RunningDemo(...args);
    running.push(started);
    return started.ready();
  };
  afterEach(async () => {
    for (const one of running.splice(0)) await one.sweep();
  });

  it('[DEMO1] its three commands work as they are printed: the answer survives the kill, by the same agent', async () => {
    const shown = await start();
    expect(shown.output).toContain('Claude Code');
    const agent = shown.number(/agent +pid (\d+)/);

    expect(JSON.parse((await sh(shown.command(1))).stdout)).toMatchObject({ state: 'completed', content: 'I will remember kiwi.' });

    const streamed = sh(shown.command(2));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    // A shorter wait than a person's: the answer takes 15 s, the stream may end a little after it.
    const read = await sh(
      shown
        .command(3)
        .replace(/--max-time \d+/, '--max-time 13')
        .replace(/--retry-max-time \d+/, '--retry-max-time 12'),
    );
    const cut = eventsOf((await streamed).stdout);
    const events = eventsOf(read.stdout);

    expect(cut.some(({ kind }) => kind === 'text')).toBe(true);
    expect(cut.some(({ kind }) => kind === 'turn.completed')).toBe(false);
    const answer = Array.from({ length: 150 }, (_, index) => `w${index + 1}`).join(' ');
    expect(events.filter(({ kind }) => kind === 'turn.completed').at(-1)?.data.text).toBe(answer);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => (events[0]?.seq ?? 0) + index));
    expect(events.find(({ kind }) => kind === 'session.recovered')?.data.pid).toBe(agent);
    expect(shown.output).toMatch(/Server \d+ is gone \(SIGKILL\)\. Agent \d+ goes on\. Started the server again: pid \d+/);
  });

  it('[DEMO5] its phone is told of answers and of what the agent asks, and the command that allows it works as printed', async () => {
    const shown = await start();
    const [, phone = ''] = /phone +(http:\/\/\S+?)\/? shows/.exec(shown.output) ?? [];
    const shownOn = async (text: string): Promise<boolean> => {
      const { pushes } = (await (await fetch(`${phone}/pushes`)).json()) as { pushes: { payload: unknown }[] };
      return JSON.stringify(pushes).includes(text);
    };
    await sh(shown.command(1));
    await eventually(() => shownOn('I will remember kiwi.'));
    await sh(shown.command(4));
    await eventually(() => shownOn('HOLDFAST_APPROVAL'));
    const allowed = JSON.parse((await sh(shown.command(5))).stdout);
    expect(allowed).toMatchObject({ decision: 'allow' });
    const made = join(shown.temporary, shown.folders()[0] ?? '', 'project', 'made');
    await eventually(() => existsSync(made));
    expect(await shown.end('SIGINT')).toBe(0);
    expect(await shown.processes()).toEqual([]);
  });

  it('[DEMO2] a signal ends server, agent and model and removes the folder, also when it comes twice', async () => {
    const shown = await start();
    const pids = [shown.pid, shown.number(/server +pid (\d+)/), shown.number(/agent +pid (\d+)/)];
    expect(await shown.processes()).toEqual(expect.arrayContaining(pids));
    shown.signal('SIGINT');
    expect(await shown.end('SIGINT')).toBe(0);
    expect(readdirSync(shown.temporary)).toEqual([]);
    expect(await shown.processes()).toEqual([]);
  });

  it('[DEMO2] a signal while the server is starting again leaves nothing either', async () => {
    const shown = await start();
    process.kill(shown.number(/server +pid (\d+)/), 'SIGKILL');
    // The new server exists but has not come to lock its folder yet.
    const old = shown.number(/server +pid (\d+)/);
    await eventually(() => [...readTable().values()].some(({ parent, pid, zombie }) => parent === shown.pid && pid !== old && !zombie));
    expect(await shown.end('SIGTERM')).toBe(0);
    expect(await shown.processes()).toEqual([]);
    // A server that was forgotten makes its folder anew a moment later.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(shown.folders()).toEqual([]);
    await eventually(async () => (await shown.processes()).length === 0);
  });

  it('[DEMO3] two at once do not disturb each other, and the next one clears up after one that was killed', async () => {
    const first = await start();
    const second = await start(first.temporary);
    expect(first.folders()).toHaveLength(2);
    await first.end('SIGKILL');
    expect(first.folders()).toHaveLength(2);
    const third = await start(first.temporary);
    expect(third.output).toContain('Cleared up after a demo that was killed');
    expect(third.folders()).toHaveLength(2);
    await third.end('SIGTERM');
    await second.end('SIGTERM');
    expect(first.folders()).toEqual([]);
    await eventually(async () => (await first.processes()).length === 0);
  });

  it('[DEMO4] without the Claude CLI it says so and shows the same with echo', async () => {
    const shown = await start(undefined, { CLAUDE_COMMAND: '/nowhere/claude' });
    expect(shown.output).toContain('The Claude CLI is not installed');
    expect(JSON.parse((await sh(shown.command(1))).stdout)).toMatchObject({ content: 'I will remember kiwi.' });
    expect(await shown.end('SIGINT')).toBe(0);
    expect(existsSync(join(shown.temporary, shown.folders()[0] ?? 'none'))).toBe(false);
  });
});
