import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../platform/clock.ts';
import { onLinux } from './identity.ts';
import type { Exit } from './journal-folder.ts';
import { readExit } from './journal-folder.ts';
import { sharedInterval } from './shared-interval.ts';

/** Tells once that `exit.<code>` is there: when asked to look, and by itself every second (more often where the folder is not watched). */
export class ExitWatch {
  readonly #folder: string;
  readonly #onExit: (exit: Exit) => void;
  readonly #poll: Timer;
  #open = true;

  constructor(folder: string, clock: Clock, onExit: (exit: Exit) => void) {
    this.#folder = folder;
    this.#onExit = onExit;
    this.#poll = sharedInterval(clock, onLinux ? 1_000 : 250).join(() => {
      // `pending` becomes `exit.<code>`: one stat says that there is nothing to list yet.
      if (!statSync(join(this.#folder, 'pending'), { throwIfNoEntry: false })) this.look();
    });
  }

  look(): void {
    const exit = this.#open ? readExit(this.#folder) : null;
    if (exit === null) return;
    this.close();
    this.#onExit(exit);
  }

  close(): void {
    this.#open = false;
    this.#poll.cancel();
  }
}
