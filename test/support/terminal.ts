import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventView } from '../../server/contracts/events.ts';
import type { ScreenView } from '../../server/contracts/terminal.ts';
import type { SessionView } from '../../server/contracts/views.ts';
import type { Client, Reply } from './client.ts';
import { eventually } from './eventually.ts';
import type { Holdfast } from './holdfast.ts';

/** Whether this machine has a program. `TESTS_NEED` names those whose tests may not be skipped, as on CI, which installs them. */
export function has(program: string): boolean {
  const found = spawnSync('/bin/sh', ['-c', `command -v ${program}`]).status === 0;
  if (!found && (process.env['TESTS_NEED'] ?? '').split(' ').includes(program)) throw new Error(`These tests need ${program}: install it.`);
  return found;
}

/** A terminal of a test's server, which may be killed and started again under it. */
export class TestTerminal {
  readonly #holdfast: Holdfast;
  readonly id: string;

  constructor(holdfast: Holdfast, id: string) {
    this.#holdfast = holdfast;
    this.id = id;
  }

  /** Makes one and waits until its program runs. */
  static async open(holdfast: Holdfast, options: Record<string, unknown> = {}): Promise<TestTerminal> {
    const created = await create(holdfast, options);
    if (created.status > 201) throw new Error(`${created.status}: ${JSON.stringify(created.body)}`);
    const terminal = new TestTerminal(holdfast, created.body.sessionId);
    await eventually(async () => (await terminal.events()).some((event) => event.kind === 'session.ready'));
    return terminal;
  }

  get client(): Client {
    return this.#holdfast.client;
  }

  events(after = 0): Promise<EventView[]> {
    return this.client.events(this.id, after);
  }

  /** All that its log still has of what it printed. */
  async printed(after = 0): Promise<Buffer> {
    return bytesOf(await this.events(after));
  }

  async type(body: string | Record<string, unknown>): Promise<Reply<{ cursor: number; bytes: number; code?: string }>> {
    return this.client.call('POST', `/api/sessions/${this.id}/input`, typeof body === 'string' ? { text: body } : body);
  }

  async screen(lines = 0): Promise<ScreenView> {
    const { status, body } = await this.client.call<ScreenView>('GET', `/api/sessions/${this.id}/screen?lines=${lines}`);
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** Waits until it shows something. */
  async shows(what: string | RegExp): Promise<ScreenView> {
    return eventually(async () => {
      const screen = await this.screen();
      return (typeof what === 'string' ? screen.text.includes(what) : what.test(screen.text)) ? screen : null;
    });
  }

  /** Waits until it has printed something. */
  async prints(what: string | RegExp, after = 0): Promise<string> {
    return eventually(async () => {
      const text = (await this.printed(after)).toString('latin1');
      if (typeof what === 'string' ? text.includes(what) : what.test(text)) return text;
      throw new Error(`It printed: ${text.slice(-2_000)}`);
    }, 50);
  }

  async pid(): Promise<number> {
    return (await this.client.status(this.id)).pid ?? 0;
  }
}

/** POST /api/sessions for a terminal. */
export function create(
  holdfast: Holdfast,
  options: Record<string, unknown> = {},
): Promise<Reply<SessionView & { code?: string; detail?: string }>> {
  return holdfast.client.call('POST', '/api/sessions', { agent: 'terminal', projectPath: holdfast.project, ...options });
}

/** What output events say together. */
export function bytesOf(events: readonly { kind: string; data: unknown }[]): Buffer {
  return Buffer.concat(
    events.flatMap((event) => (event.kind === 'output' ? [Buffer.from((event.data as { data: string }).data, 'base64')] : [])),
  );
}

/** What an emulator of this size shows after these bytes: another tmux, which knows nothing of ours. */
export async function emulate(bytes: Buffer, cols: number, rows: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'emulator-'));
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-u', '-f', '/dev/null', '-S', 't', ...args], { cwd: folder, encoding: 'utf8' });
  writeFileSync(join(folder, 'bytes'), bytes);
  try {
    tmux('new-session', '-d', '-x', String(cols), '-y', String(rows), 'stty raw -echo; cat bytes; : >drawn; sleep 1000');
    tmux('set-option', '-g', 'status', 'off');
    tmux('resize-window', '-x', String(cols), '-y', String(rows));
    // The bytes are in the tty when `cat` is done; that they are drawn is seen when nothing changes any more.
    await eventually(() => execFileSync('/bin/sh', ['-c', 'ls'], { cwd: folder, encoding: 'utf8' }).includes('drawn'));
    let before = '';
    return await eventually(async () => {
      const now = shown(tmux('capture-pane', '-p'));
      const same = now === before;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return same ? now : null;
    });
  } finally {
    tmux('kill-server');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The lines of a screen without the blanks at their ends. */
export function shown(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd();
}
