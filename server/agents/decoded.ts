import type { Decoded, Output } from './driver.ts';

// What drivers have in common whose state keeps the one turn that their agent works on.

interface Turn {
  turnId: string;
  phase: 'written' | 'acknowledged' | 'running';
}

/** A line that changed nothing. */
export function nothing<State>(state: State): Decoded<State> {
  return { outputs: [], replies: [], state };
}

/** A line that only says something. */
export function saying<State>(state: State, ...outputs: Output[]): Decoded<State> {
  return { outputs, replies: [], state };
}

/** An `outputs` entry of the open turn, if there is one. */
export function turnOf({ turn }: { turn: Pick<Turn, 'turnId'> | null }): { turnId?: string } {
  return turn ? { turnId: turn.turnId } : {};
}

/** Moves the open turn on to `phase`, never back, and says so once for each step. */
export function advance<State extends { turn: Turn | null }>(state: State, phase: 'acknowledged' | 'running'): Decoded<State> {
  const { turn } = state;
  if (!turn || turn.phase === 'running' || turn.phase === phase) return nothing(state);
  const outputs: Output[] = turn.phase === 'written' ? [{ kind: 'turn.acknowledged', turnId: turn.turnId }] : [];
  if (phase === 'running') outputs.push({ kind: 'turn.started', turnId: turn.turnId });
  return { outputs, replies: [], state: { ...state, turn: { ...turn, phase } } };
}

/** That a request of the agent, a question or for an approval, needs no decision any more. */
export function withdrawn({ kind, id }: { kind: string; id: string }, state: { turn: Pick<Turn, 'turnId'> | null }): Output {
  return kind === 'question'
    ? { kind: 'question.answered', ...turnOf(state), data: { questionId: id, by: 'withdrawn' } }
    : { kind: 'approval.resolved', ...turnOf(state), data: { approvalId: id, decision: 'withdrawn', by: 'agent' } };
}
