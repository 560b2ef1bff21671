import { createHash } from 'node:crypto';
import type { TurnState } from '../../contracts/state.ts';
import type { TurnRow } from '../../storage/turns-table.ts';

/** The turn that is inside an agent, as its session remembers it. Times are milliseconds since 1970. */
export interface OpenTurn {
  readonly id: string;
  readonly state: TurnState;
  readonly firstSeq: number;
  readonly acceptedAt: number;
  readonly firstTokenAt: number | null;
  /** Where its message ends in the agent's `in`; null before it has a place there. */
  readonly lineEnd: number | null;
}

/** The part of a stored turn that its session works with. */
export function openTurn(row: TurnRow): OpenTurn {
  return {
    id: row.id,
    state: row.state as TurnState,
    firstSeq: row.first_seq,
    acceptedAt: row.accepted_at,
    firstTokenAt: row.first_token_at,
    lineEnd: row.in_offset === null || row.in_length === null ? null : row.in_offset + row.in_length,
  };
}

/** A UUID that names something of an agent's (a message, a request) for clients: the same again for the same parts. */
export function derivedId(...parts: string[]): string {
  const hex = createHash('sha256').update(parts.join('\0')).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
