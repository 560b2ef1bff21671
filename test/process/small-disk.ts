import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

function mount(folder: string): boolean {
  return process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'holdfast-test', folder]).status === 0;
}

function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder]);
  rmdirSync(folder);
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
}

/** Whether this machine lets tests mount a small disk (root on Linux). */
export const canMount = ((): boolean => {
  const folder = newFolder();
  const mounted = mount(folder);
  if (mounted) unmount(folder);
  else rmdirSync(folder);
  return mounted;
})();

/** A disk of 1 MiB, unmounted when the test is over. */
export class SmallDisk {
  readonly folder = newFolder();

  constructor() {
    if (!mount(this.folder)) throw new Error('No disk could be mounted.');
    onTestFinished(() => unmount(this.folder));
  }

  /** Leaves no room but the given number of bytes (whole pages of 4,096). */
  fill(leave = 0): void {
    const file = join(this.folder, 'filler');
    writeFileSync(file, '');
    const { bavail, bsize } = statfsSync(this.folder);
    appendFileSync(file, Buffer.alloc(bavail * bsize - leave));
  }

  makeRoom(): void {
    rmSync(join(this.folder, 'filler'));
  }
}
