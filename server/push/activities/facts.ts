import type { DataOf } from '../../contracts/events.ts';
import type { SessionState, TurnState } from '../../contracts/state.ts';
import type { RequestRow } from '../../storage/requests-table.ts';
import type { Store } from '../../storage/store.ts';
import type { TurnRow } from '../../storage/turns-table.ts';
import { interruptedText } from '../rules/notification.ts';
import type { ActivityFacts, Asked } from './content.ts';

/** What a session is at now, as the store has it; null where there is none of this `num`. */
export function factsOf(store: Store, sessionNum: number): ActivityFacts | null {
  const session = store.sessions.byNum(sessionNum);
  if (!session) return null;
  const turn = store.turns.open(sessionNum)[0] ?? store.turns.last(sessionNum);
  return {
    state: session.state as SessionState,
    name: session.name,
    headSeq: store.events.head(sessionNum)?.head_seq ?? session.head_seq,
    turn: turn ? turnOf(store, turn) : null,
    asked: store.requests.open(sessionNum).map(askedOf),
  };
}

function turnOf(store: Store, { id, state, accepted_at, ended_at, outcome }: TurnRow): NonNullable<ActivityFacts['turn']> {
  return { id, state: state as TurnState, startedAt: accepted_at, endedAt: ended_at, text: textOf(store, id, outcome) };
}

function textOf(store: Store, turnId: string, outcome: string | null): string | null {
  if (outcome === null) return null;
  const said = JSON.parse(outcome) as { text?: string; detail?: string; reason?: string };
  if (said.text !== undefined) return store.messages.reply(turnId)?.text ?? said.text;
  return said.detail ?? (said.reason === undefined ? null : interruptedText(said.reason));
}

function askedOf({ id, kind, asked, expires_at }: RequestRow): Asked {
  if (kind === 'question') {
    const { questions } = JSON.parse(asked) as DataOf<'question.asked'>;
    return { id, kind, questions, expiresAt: expires_at };
  }
  const { title, risk } = JSON.parse(asked) as DataOf<'approval.requested'>;
  return { id, kind: 'approval', title, risk, expiresAt: expires_at };
}
