import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

/** Folders of its own for a real agent, as a home and for temporary files, and whatever runs with that home. */
export class AgentHome {
  readonly #root: string;
  readonly home: string;
  /** Beside the home: some agents warn where their home is among temporary files. */
  readonly temporary: string;

  /** Makes the folders in `parent`. The name is short, since agents make sockets in them, whose paths may have 103 bytes. */
  constructor(parent: string) {
    this.#root = mkdtempSync(join(parent, 'hf-agent-'));
    this.home = join(this.#root, 'home');
    this.temporary = join(this.#root, 'tmp');
    for (const folder of [this.home, this.temporary]) mkdirSync(folder, { mode: 0o700 });
  }

  /** The variables that keep an agent in these folders: without them it leaves files in those of the user. */
  get env(): Record<string, string> {
    return { HOME: this.home, TMPDIR: this.temporary, CLAUDE_CODE_TMPDIR: this.temporary };
  }

  /** The live processes with this home (Linux), whoever started them; never this one. */
  processes(): number[] {
    const own = `HOME=${this.home}`;
    return readdirSync('/proc').flatMap((name) => {
      const pid = Number(name);
      return pid > 1 && pid !== process.pid && environmentOf(pid).includes(own) ? [pid] : [];
    });
  }

  /**
   * Ends what still runs with this home, and removes the folders. A server that is killed leaves the programs behind that it had
   * asked for their version: they would make the home again.
   */
  async remove(): Promise<void> {
    await eventually(() => {
      const left = this.processes();
      for (const pid of left) end(pid);
      return left.length === 0;
    });
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // gone, or another user's
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}
