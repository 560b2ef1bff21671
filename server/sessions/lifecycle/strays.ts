import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { markedProcesses } from '../../process/members.ts';
import { terminate } from '../../process/terminate.ts';
import type { SessionContext } from '../context.ts';
import { incarnationFolder } from './start-incarnation.ts';

/** Ends processes with our mark that no open row knows; how many incarnations they were. */
export async function endOrphans(context: SessionContext): Promise<number> {
  const known = new Set(context.store.incarnations.unended().map((row) => `${context.data.id}/${row.id}`));
  const marks = new Set(markedProcesses(context.data.id).flatMap(({ mark }) => (known.has(mark) ? [] : [mark])));
  for (const mark of marks) {
    const folder = incarnationFolder(context.data.dir, mark.slice(mark.indexOf('/') + 1));
    context.logger.warn({ mark }, 'ending processes that no session knows');
    await terminate({ folder, mark, identities: {}, clock: context.clock, graceMs: { eof: 500, term: 1_000 } }, 'clean');
  }
  return marks.size;
}

/** A folder that no row knows may still be somebody's work: it is moved, never deleted. */
export function setAsideUnknownFolders(context: SessionContext): void {
  const root = join(context.data.dir, 'incarnations');
  const known = new Set(context.store.incarnations.ids());
  for (const name of readdirSync(root)) {
    if (known.has(name)) continue;
    mkdirSync(join(context.data.dir, 'unknown'), { recursive: true, mode: 0o700 });
    renameSync(join(root, name), join(context.data.dir, 'unknown', `${name}-${context.clock.now()}`));
  }
}
