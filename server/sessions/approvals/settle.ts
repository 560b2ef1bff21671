import type { EventOf, SettledReason } from '../../contracts/events.ts';
import type { RequestRow } from '../../storage/requests-table.ts';
import type { Store } from '../../storage/store.ts';

/** How a request ended. `by`: its owner, `agent`, or `holdfast` where nobody decided. */
export interface Verdict {
  decision: 'allow' | 'deny' | 'allow-always' | 'answered' | 'expired' | 'withdrawn';
  by: string;
  device?: string | undefined;
  reason?: SettledReason;
  /** What the agent is told with a denial. */
  message?: string | undefined;
  answers?: Record<string, string>;
}

export type SettledEvent = EventOf<'approval.resolved'> | EventOf<'question.answered'>;

/** Settles a request and audits that, inside a transaction. The event to log; null when it was settled before. */
export function settle(store: Store, request: RequestRow, verdict: Verdict, at: number): SettledEvent | null {
  if (!store.requests.decide(request.id, verdict.decision, verdict.by, at)) return null;
  const { tool } = JSON.parse(request.asked) as { tool?: string };
  store.audit.insert({
    at,
    session_num: request.session_num,
    request_id: request.id,
    kind: request.kind,
    tool: tool ?? null,
    input_hash: request.input_hash,
    risk: request.risk,
    decision: verdict.decision,
    decided_by: verdict.by,
    device: verdict.device ?? null,
    reason: verdict.reason ?? null,
    said: saidOf(verdict),
  });
  return eventOf(request, verdict);
}

/** What the agent was told beside the decision, as the audit keeps it. */
export function saidOf({ message, answers }: Pick<Verdict, 'message' | 'answers'>): string | null {
  if (answers !== undefined) return JSON.stringify({ answers });
  return message === undefined ? null : JSON.stringify({ message });
}

function eventOf(request: RequestRow, { decision, by, device, reason, message, answers }: Verdict): SettledEvent {
  const turn = request.turn_id === null ? {} : { turnId: request.turn_id };
  const how = { by, ...(device === undefined ? {} : { device }), ...(reason === undefined ? {} : { reason }) };
  if (request.kind === 'approval') {
    const data = { approvalId: request.id, decision, ...how, ...(message === undefined ? {} : { message }) };
    return { channel: 'agent', kind: 'approval.resolved', ...turn, data } as SettledEvent;
  }
  const data = { questionId: request.id, decision, ...how, ...(answers === undefined ? {} : { answers }) };
  return { channel: 'agent', kind: 'question.answered', ...turn, data } as SettledEvent;
}
