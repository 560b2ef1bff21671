import type { ActivityContent } from '../../contracts/activities.ts';
import type { Question } from '../../contracts/events.ts';
import type { SessionState } from '../../contracts/state.ts';
import { isFinal, type TurnState } from '../../contracts/state.ts';
import type { z } from 'zod';
import { shownText } from '../rules/shown-text.ts';

/** What the rules know of a session. Times are milliseconds since 1970; texts are whole, and may hold secrets. */
export interface ActivityFacts {
  state: SessionState;
  name: string;
  headSeq: number;
  /** The oldest turn that has not ended, else the last one. `text`: what was said, or how it went wrong. */
  turn: { id: string; state: TurnState; startedAt: number; endedAt: number | null; text: string | null } | null;
  /** What waits for the owner, the oldest first. */
  asked: readonly Asked[];
}
export type Asked = { id: string; expiresAt: number | null } & (
  { kind: 'approval'; title: string; risk: 'low' | 'elevated' | 'destructive' } | { kind: 'question'; questions: readonly Asks[] }
);
type Asks = Pick<z.output<typeof Question>, 'question'>;

const MOST_TITLE = 160;
const MOST_TEXT = 480;
const MOST_ID = 200;

/** A time as content has it. */
export const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1_000);
const secondsOrNull = (milliseconds: number | null): number | null => (milliseconds === null ? null : seconds(milliseconds));

/** What a live activity shows whose session is gone before it was told anything. */
export const NOTHING: ActivityContent = { state: 'ended', title: '', turn: null, needs: null, headSeq: 0 };

/** What a live activity shows of a session: no steps that nobody would act on, no secrets, and never more than half of a push. Pure. */
export function contentOf(facts: ActivityFacts): ActivityContent {
  const { name, headSeq, turn } = facts;
  return {
    state: stateOf(facts),
    title: shownText(name, MOST_TITLE),
    turn: turn && {
      id: turn.id,
      state: isFinal(turn.state) ? turn.state : 'running',
      startedAt: seconds(turn.startedAt),
      endedAt: secondsOrNull(turn.endedAt),
      text: isFinal(turn.state) && turn.text !== null && turn.text !== '' ? shownText(turn.text, MOST_TEXT) : null,
    },
    needs: needsOf(facts.asked),
    headSeq,
  };
}

/** A process that is started ahead, hibernates or expires is nobody's concern: without a turn the session is idle. */
function stateOf({ state, turn }: ActivityFacts): ActivityContent['state'] {
  const open = turn !== null && !isFinal(turn.state);
  switch (state) {
    case 'archived':
      return 'ended';
    case 'working':
    case 'waiting':
    case 'paused':
      return state;
    case 'failed':
      return open ? 'starting' : 'failed';
    case 'dormant':
    case 'starting':
      return open ? 'starting' : 'idle';
    case 'ready':
    case 'stopping':
      return open ? 'working' : 'idle';
  }
}

function needsOf([first, ...others]: readonly Asked[]): ActivityContent['needs'] {
  if (!first) return null;
  const title = first.kind === 'approval' ? first.title : (first.questions[0]?.question ?? '');
  const unasked = first.kind === 'question' ? Math.max(0, first.questions.length - 1) : 0;
  return {
    kind: first.kind,
    id: shownText(first.id, MOST_ID),
    title: shownText(title, MOST_TEXT),
    risk: first.kind === 'approval' ? first.risk : null,
    expiresAt: secondsOrNull(first.expiresAt),
    more: others.length + unasked,
  };
}
