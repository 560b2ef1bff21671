import { readFileSync } from 'node:fs';

/** How many inotify instances one user may have (Linux); null where there is no such limit. Each `tail` and some agents take one. */
export function inotifyLimit(): number | null {
  try {
    return Number.parseInt(readFileSync('/proc/sys/fs/inotify/max_user_instances', 'latin1'), 10);
  } catch {
    return null;
  }
}
