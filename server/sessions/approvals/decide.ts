import type { DriverCommand } from '../../agents/driver.ts';
import type { DataOf } from '../../contracts/events.ts';
import { AppError } from '../../platform/app-error.ts';
import { isoTime } from '../../platform/clock.ts';
import type { RequestRow } from '../../storage/requests-table.ts';
import type { Cell, Committed } from '../cell.ts';
import { tell } from '../cell.ts';
import { answerTexts } from './answer-texts.ts';
import { resumeIfNothingOpen } from './record-request.ts';
import { saidOf, settle, type Verdict } from './settle.ts';

/** What somebody answers to an agent. `by` names who, `inputHash` what they were shown, where they say so. */
export type RequestDecision = { id: string; by: string; device?: string | undefined; inputHash?: string | undefined } & (
  | { kind: 'approval'; decision: 'allow' | 'deny' | 'allow-always'; message?: string | undefined }
  | { kind: 'question'; answers: Record<string, string | string[]> }
);

/** A decision that counts: this one, or the same one as it was taken before. */
export interface Decided {
  decision: string;
  by: string;
  device?: string;
  at: string;
}

const DENIED = 'The owner of this session denied this.';
const EXPIRED = 'Nobody decided this in time, so it was denied.';
const nothing: Committed = { pending: [], effects: [] };

/**
 * Records a decision and the agent's lines in one transaction. The first decision wins; a later one is `already-decided`, but for the
 * same again from the same device. Throws `input-changed` where its owner was shown something else than the agent asked.
 */
export function decideRequest(cell: Cell, decision: RequestDecision): { result: Decided; committed: Committed } {
  const { store } = cell.context;
  const request = store.requests.byId(decision.id, cell.key.num);
  if (request?.kind !== decision.kind) {
    throw new AppError(
      decision.kind === 'approval' ? 'approval-not-found' : 'question-not-found',
      `This session has no ${decision.kind} ${decision.id.slice(0, 100)}.`,
    );
  }
  if (decision.inputHash !== undefined && decision.inputHash !== request.input_hash) {
    const detail = 'The agent asks something else than what this decision is about. Show its owner what it asks, and decide again.';
    throw new AppError('input-changed', detail, { members: { inputHash: request.input_hash } });
  }
  const verdict = verdictOf(decision, request);
  if (request.decision !== null) return { result: sameAgain(request, verdict), committed: nothing };
  const committed = conclude(cell, request, verdict, commandOf(request, verdict));
  return { result: decidedOf(store.requests.byId(request.id, cell.key.num) ?? request), committed };
}

/** Denies what nobody decided in time; nothing happens where somebody has. */
export function expireRequest(cell: Cell, id: string): Committed {
  const { store } = cell.context;
  const request = store.requests.byId(id, cell.key.num);
  if (!request || request.decision !== null) return nothing;
  const verdict: Verdict = { decision: 'expired', by: 'holdfast', reason: 'timed-out' };
  return conclude(cell, request, verdict, { kind: 'deny', approvalId: request.agent_request_id, message: EXPIRED });
}

function conclude(cell: Cell, request: RequestRow, verdict: Verdict, command: DriverCommand): Committed {
  const { store } = cell.context;
  const { incarnation } = cell;
  if (incarnation?.id !== request.incarnation_id) throw new AppError('session-busy', 'The process that asked this has ended.');
  const encoded = incarnation.driver.encode(command, incarnation.state);
  return tell(cell, incarnation, encoded, (recording) => {
    const event = settle(store, request, verdict, recording.now);
    if (event) recording.add(event);
    resumeIfNothingOpen(store, cell.key.num, recording);
  });
}

function verdictOf(decision: RequestDecision, request: RequestRow): Verdict {
  const { by, device } = decision;
  if (decision.kind === 'question') {
    const { questions } = JSON.parse(request.asked) as DataOf<'question.asked'>;
    return { decision: 'answered', by, device, answers: answerTexts(questions, decision.answers) };
  }
  const { options } = JSON.parse(request.asked) as DataOf<'approval.requested'>;
  const offered = options.map((option) => option.decision);
  if (offered.length > 0 && !offered.includes(decision.decision)) {
    const message = `must be one of what the agent offers here: ${offered.join(', ')}`;
    throw new AppError('validation-failed', `The body is not valid: decision ${message}.`, { fields: [{ field: 'decision', message }] });
  }
  return { decision: decision.decision, by, device, message: decision.decision === 'deny' ? decision.message : undefined };
}

function commandOf(request: RequestRow, { decision, message, answers }: Verdict): DriverCommand {
  const id = request.agent_request_id;
  if (answers !== undefined) return { kind: 'answer', questionId: id, answers };
  if (decision === 'deny') return { kind: 'deny', approvalId: id, message: message ?? DENIED };
  return { kind: 'approve', approvalId: id, always: decision === 'allow-always' };
}

/** The decision that counts, where this is the same one from the same device. Throws `already-decided`. */
function sameAgain(request: RequestRow, verdict: Verdict): Decided {
  const { decision, decided_by: by, device, said } = request;
  const known = decidedOf(request);
  const same = decision === verdict.decision && by === verdict.by && said === saidOf(verdict);
  if (same && device !== null && device === verdict.device) return known;
  const where = device === null ? '' : ` on ${device}`;
  throw new AppError('already-decided', `This was decided already: ${known.decision}, by ${known.by}${where}.`, { members: { ...known } });
}

/** As it was kept, so that everybody is told the same time. */
function decidedOf({ decision, decided_by: by, device, decided_at: at }: RequestRow): Decided {
  return { decision: decision ?? '', by: by ?? 'agent', ...(device === null ? {} : { device }), at: isoTime(at ?? 0) };
}
