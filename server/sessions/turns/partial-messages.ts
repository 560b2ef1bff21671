import type { DataOf, NewEvent } from '../../contracts/events.ts';
import type { LogKey } from '../../events/event-log.ts';
import type { Store } from '../../storage/store.ts';
import type { OpenTurn } from './open-turn.ts';

type Piece = { kind: 'text' | 'thinking'; messageId: string; text: string } | { kind: 'whole'; messageId: string };

/** Messages of a turn of which only deltas came, each put together from the log and from `pending` events of this transaction. */
export function partialMessages(store: Store, key: LogKey, turn: OpenTurn, pending: readonly NewEvent[]): DataOf<'message'>[] {
  const head = store.events.head(key.num)?.head_seq ?? 0;
  const pieces = [
    ...store.events.textOf(key.num, turn.firstSeq, head, turn.id).map(storedPiece),
    ...pending.flatMap((event) => newPiece(event, turn.id)),
  ];
  const whole = new Set(pieces.filter((piece) => piece.kind === 'whole').map((piece) => piece.messageId));
  const parts = new Map<string, { kind: 'text' | 'thinking'; texts: string[] }>();
  for (const piece of pieces) {
    if (piece.kind === 'whole' || whole.has(piece.messageId)) continue;
    const part = parts.get(piece.messageId) ?? { kind: piece.kind, texts: [] };
    part.texts.push(piece.text);
    parts.set(piece.messageId, part);
  }
  return [...parts].map(([messageId, { kind, texts }]) => {
    const text = texts.join('');
    const blocks = kind === 'text' ? [{ type: 'text', text }] : [{ type: 'thinking', thinking: text }];
    return { messageId, role: 'assistant' as const, text: kind === 'text' ? text : '', blocks, partial: true };
  });
}

function storedPiece(row: { kind: string; data: string }): Piece {
  const data = JSON.parse(row.data) as { messageId: string; delta?: string };
  if (row.kind === 'message') return { kind: 'whole', messageId: data.messageId };
  return { kind: row.kind === 'thinking' ? 'thinking' : 'text', messageId: data.messageId, text: data.delta ?? '' };
}

function newPiece(event: NewEvent, turnId: string): Piece[] {
  if (event.turnId !== turnId) return [];
  if (event.kind === 'message') return [{ kind: 'whole', messageId: event.data.messageId }];
  return event.kind === 'text' || event.kind === 'thinking'
    ? [{ kind: event.kind, messageId: event.data.messageId, text: event.data.delta }]
    : [];
}
