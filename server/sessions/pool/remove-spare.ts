import { rm } from 'node:fs/promises';
import type { SessionContext } from '../context.ts';
import { incarnationFolder } from '../lifecycle/start-incarnation.ts';

/** Removes a spare without a process: nobody has ever said a word to it, so nothing of it is kept. */
export function removeSpare({ store, data, logger }: SessionContext, num: number): void {
  const folders = store.incarnations.ofSession(num).map((id) => incarnationFolder(data.dir, id));
  store.transaction(() => store.sessions.remove(num));
  for (const folder of folders) {
    rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
      logger.warn({ error, folder }, "a spare's journal was not removed"),
    );
  }
}
