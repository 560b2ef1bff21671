import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What was started and has to be ended, newest first, whatever happens. */
export class Cleanup {
  readonly #steps: (() => void | Promise<void>)[] = [];

  add(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  /** A temporary folder, which goes with all else. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
    this.add(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  /** Runs all steps, also when one fails; throws the first failure. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    // Timers of the server's clock keep no process alive, and ending an agent waits with them.
    const awake = setInterval(() => undefined, 1_000);
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    clearInterval(awake);
    if (failures.length > 0) throw failures[0];
  }
}
