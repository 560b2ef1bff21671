import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of its own at a folder, which a test can fill. Needs root on Linux. */
export class Disk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Mounts a new disk of some MiB; null where this machine does not let us. Unmount it when nothing uses it any more. */
  static mount(folder: string, megabytes: number): Disk | null {
    if (process.platform !== 'linux') return null;
    mkdirSync(folder, { recursive: true });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'holdfast-test', folder]);
    return mounted.status === 0 ? new Disk(folder) : null;
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.folder]);
  }

  /** Leaves no room but the given number of bytes, in whole pages. */
  fill(leave = 0): void {
    const fd = openSync(join(this.folder, '.filler'), 'a', 0o600);
    try {
      // Others write at the same time: what is free is looked at again until nothing is.
      for (let round = 0; round < 20; round++) {
        const { bavail, bsize } = statfsSync(this.folder);
        const room = bavail * bsize - leave;
        if (room <= 0) break;
        this.#append(fd, room);
      }
    } finally {
      closeSync(fd);
    }
  }

  makeRoom(): void {
    rmSync(join(this.folder, '.filler'), { force: true });
  }

  #append(fd: number, bytes: number): void {
    try {
      writeSync(fd, Buffer.alloc(bytes));
    } catch {
      // Somebody else was faster: there is no room, which is what was wanted.
    }
  }
}

/** Whether disks can be mounted here, tried once. */
export function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-mount-'));
  const disk = Disk.mount(folder, 1);
  disk?.unmount();
  rmdirSync(folder);
  return disk !== null;
}
