import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { onLinux } from './identity.ts';

/**
 * Calls back with the name of what changed in a journal's folder, or null if it cannot tell. Elsewhere than on Linux it
 * watches `out` alone, since a folder's events lag there. A watch that cannot be had or breaks is no error: a poll runs beside it.
 */
export class FolderWatch {
  #watcher: FSWatcher | null = null;

  constructor(folder: string, onChange: (name: string | null) => void) {
    try {
      this.#watcher = watch(onLinux ? folder : join(folder, 'out'), { persistent: false }, (_event, name) =>
        onChange(onLinux ? name : null),
      );
      this.#watcher.on('error', () => this.close());
    } catch {
      this.#watcher = null; // EMFILE, ENOSPC: too many watches of this user
    }
  }

  /** False if only polling is left. */
  get watching(): boolean {
    return this.#watcher !== null;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }
}
