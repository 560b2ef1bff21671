import type { TurnState } from '../../contracts/state.ts';
import type { MessageView } from '../../contracts/views.ts';
import { isoTime } from '../../platform/clock.ts';
import type { MessageWithTurn } from '../../storage/messages-table.ts';

/** A message of the history as clients get it. */
export function messageView(row: MessageWithTurn): MessageView {
  const turnState = (row.turn_state ?? 'completed') as TurnState;
  return {
    id: row.id,
    turnId: row.turn_id ?? row.id,
    role: row.role === 'user' ? 'user' : 'assistant',
    text: row.text,
    state: turnState,
    createdAt: isoTime(row.created_at),
    turnState,
    ...(row.attachments === null ? {} : { attachments: JSON.parse(row.attachments) as MessageView['attachments'] & object }),
    ...(row.partial === 1 ? { partial: true } : {}),
  };
}
