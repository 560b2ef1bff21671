import type { Store } from '../../storage/store.ts';
import type { OpenTurn } from '../turns/open-turn.ts';

/** How many tools of a turn have started and not finished. */
export function openTools(store: Store, session: { num: number }, turn: OpenTurn): number {
  const rows = store.events.toolsOf(session.num, turn.firstSeq, turn.id);
  const open = new Set<string>();
  for (const { kind, data } of rows) {
    const { toolId } = JSON.parse(data) as { toolId: string };
    if (kind === 'tool.started') open.add(toolId);
    else open.delete(toolId);
  }
  return open.size;
}
