import type { DriverCommand } from '../../agents/driver.ts';
import { AppError } from '../../platform/app-error.ts';
import { isoTime } from '../../platform/clock.ts';
import type { RequestRow } from '../../storage/requests-table.ts';
import type { Cell, Committed } from '../cell.ts';
import { tell } from '../cell.ts';
import { resumeIfNothingOpen } from '../record-outputs.ts';

/** What somebody answers to an agent. `by` names who. */
export type RequestDecision =
  | { kind: 'approval'; id: string; decision: 'allow' | 'deny' | 'allow-always'; message: string; by: string }
  | { kind: 'question'; id: string; answers: Record<string, string>; by: string };

/** Records a decision and the agent's lines in one transaction. The first decision wins; every later one is `already-decided`. */
export function decideRequest(cell: Cell, decision: RequestDecision): Committed {
  const { store } = cell.context;
  const request = store.requests.byId(decision.id, cell.key.num);
  if (!request || request.kind !== decision.kind) {
    throw new AppError(
      decision.kind === 'approval' ? 'approval-not-found' : 'question-not-found',
      `This session has no ${decision.kind} ${decision.id}.`,
    );
  }
  if (request.decision !== null) {
    const at = request.decided_at === null ? null : isoTime(request.decided_at);
    throw new AppError('already-decided', `This was decided already: ${request.decision}, by ${request.decided_by ?? 'the agent'}.`, {
      members: { decision: request.decision, by: request.decided_by, at },
    });
  }
  const incarnation = cell.incarnation;
  if (incarnation?.id !== request.incarnation_id) throw new AppError('session-busy', 'The process that asked this has ended.');
  const encoded = incarnation.driver.encode(commandOf(decision, request), incarnation.state);
  return tell(cell, incarnation, encoded, (recording) => {
    const verdict = decision.kind === 'approval' ? decision.decision : 'answered';
    store.requests.decide(request.id, verdict, decision.by, recording.now);
    const turnId = request.turn_id ?? undefined;
    if (decision.kind === 'approval') {
      recording.addToTurn('agent', 'approval.resolved', { approvalId: request.id, decision: decision.decision, by: decision.by }, turnId);
    } else recording.addToTurn('agent', 'question.answered', { questionId: request.id, by: decision.by }, turnId);
    resumeIfNothingOpen(store, cell.key.num, recording);
  });
}

function commandOf(decision: RequestDecision, request: RequestRow): DriverCommand {
  if (decision.kind === 'question') return { kind: 'answer', questionId: request.agent_request_id, answers: decision.answers };
  if (decision.decision === 'deny') return { kind: 'deny', approvalId: request.agent_request_id, message: decision.message };
  return { kind: 'approve', approvalId: request.agent_request_id, always: decision.decision === 'allow-always' };
}
