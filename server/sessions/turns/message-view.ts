import type { TurnState } from '../../contracts/state.ts';
import type { HistoryPage, MessageView, StoredMessageView } from '../../contracts/views.ts';
import { isoTime } from '../../platform/clock.ts';
import type { MessageInSession, MessageWithTurn } from '../../storage/messages-table.ts';

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

/** The same message with all that is known about it; metadata is text only, as the published app wants it. */
export function storedMessageView(row: MessageInSession): StoredMessageView {
  const view = messageView(row);
  const metadata = {
    sessionId: row.session_id,
    turnId: view.turnId,
    role: view.role,
    state: view.state,
    agent: row.agent,
    projectPath: row.project_path,
    ...(row.auto_response === null ? {} : { autoResponse: row.auto_response }),
  };
  const { text: content } = row;
  return { ...view, sessionId: row.session_id, content, timestamp: row.created_at, metadata, result: { content, metadata } };
}

/** A message as the published app lists it. */
export function historyMessage(row: MessageWithTurn): HistoryPage['messages'][number] {
  return { id: row.id, content: row.text, sender: row.role === 'user' ? 'user' : 'assistant', timestamp: isoTime(row.created_at) };
}
