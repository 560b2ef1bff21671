import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ExitReason } from '../../contracts/events.ts';
import { readExit } from '../../process/journal-folder.ts';
import { lastLines } from '../../process/launcher.ts';
import type { Cell } from '../cell.ts';
import { commit } from '../cell.ts';
import { temporaryPathOf, type Incarnation } from './incarnation.ts';
import { recordExit } from './record-exit.ts';

/** How a process ended: why, and the last lines of its stderr. */
export interface Finished {
  reason: ExitReason;
  stderr: string;
}

/** Records the end of a process that is gone and whose `out` was read. */
export function finishIncarnation(cell: Cell, incarnation: Incarnation, fallback: ExitReason): Finished {
  const row = cell.context.store.incarnations.byId(incarnation.id);
  const rest = incarnation.rest();
  const stderr = lastLines(incarnation.folder);
  let reason: ExitReason = fallback;
  if (row && row.ended_at === null) {
    const seen = {
      exit: readExit(incarnation.folder),
      rest,
      silent: incarnation.outOffset === 0 && rest.length === 0,
      inSize: sizeOf(join(incarnation.folder, 'in')),
      stderr,
      finished: incarnation.driver.terminal?.hasEnded(incarnation.state) ?? false,
    };
    commit(cell, (recording) => {
      reason = recordExit(cell.context, recording, cell.key, { row, ...seen, fallback });
    });
  }
  incarnation.close();
  rmSync(temporaryPathOf(incarnation.folder), { recursive: true, force: true });
  cell.incarnation = null;
  return { reason, stderr };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
