import type { Cell } from '../cell.ts';
import { commit } from '../cell.ts';
import { isLive } from '../session-state.ts';

/** Moves a session without a process and without messages that wait into the archive; false when it has either, or a journal that is not packed. */
export function recordArchive(cell: Cell, packed: ReadonlySet<string>): boolean {
  const { store } = cell.context;
  if (cell.incarnation || isLive(cell.state) || store.turns.openCount(cell.key.num) > 0) return false;
  const incarnations = store.incarnations.ofSession(cell.key.num);
  if (incarnations.some((id) => !packed.has(id))) return false;
  commit(cell, (recording) => {
    recording.moveSession({ kind: 'archive' });
    recording.add({ channel: 'session', kind: 'session.archived', data: {} });
    store.sessions.update(cell.key.num, { archived_at: recording.now });
    for (const id of incarnations) store.incarnations.setArchived(id, recording.now);
  });
  return true;
}
