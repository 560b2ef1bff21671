import type { AskedApproval, AskedQuestion } from '../../agents/driver.ts';
import { isoTime } from '../../platform/clock.ts';
import type { Store } from '../../storage/store.ts';
import type { Recording } from '../recording.ts';
import { derivedId } from '../turns/open-turn.ts';
import { inputHash } from './input-hash.ts';
import { toolRisk } from './risk/tool-risk.ts';
import { settle, type Verdict } from './settle.ts';

/** Whose requests they are. */
export interface Asker {
  store: Store;
  session: { num: number; id: string };
  incarnationId: string;
  /** Milliseconds after which what is asked is denied; 0: never. */
  approvalTimeoutMs: number;
}

/** What an agent asks, under its own id. */
type Asked = { kind: 'approval'; turnId?: string; data: AskedApproval } | { kind: 'question'; turnId?: string; data: AskedQuestion };

/**
 * Stores what an agent asks, with a hash of it, its risk and when it expires, in the transaction whose commit tells of it. The same
 * id with another input is another request: what was asked before can be decided no more.
 */
export function recordRequest(asker: Asker, recording: Recording, asked: Asked): void {
  const { store, session } = asker;
  const agentId = asked.kind === 'approval' ? asked.data.approvalId : asked.data.questionId;
  const hash = inputHash(asked.kind === 'approval' ? asked.data.input : asked.data.questions);
  const before = store.requests
    .open(session.num)
    .find((request) => request.incarnation_id === asker.incarnationId && request.agent_request_id === agentId);
  if (before?.kind === asked.kind && before.input_hash === hash) return;
  if (before) settleRecorded(store, recording, before.id, session.num, { decision: 'withdrawn', by: 'agent', reason: 'asked-again' });
  const id = freeId(asker, agentId);
  const ownLimit = asked.kind === 'approval' && asked.data.expiresAt !== null ? Date.parse(asked.data.expiresAt) : Infinity;
  const limit = Math.min(asker.approvalTimeoutMs === 0 ? Infinity : recording.now + asker.approvalTimeoutMs, ownLimit);
  const expires = { expiresAt: Number.isFinite(limit) ? isoTime(limit) : null, inputHash: hash };
  const project = store.sessions.byNum(session.num)?.project_path ?? '/';
  const data =
    asked.kind === 'approval'
      ? { ...asked.data, approvalId: id, ...expires, ...toolRisk(asked.data.tool, asked.data.input, project) }
      : { ...asked.data, questionId: id, ...expires };
  store.requests.insert({
    id,
    session_num: session.num,
    incarnation_id: asker.incarnationId,
    turn_id: recording.turn?.id ?? null,
    agent_request_id: agentId,
    kind: asked.kind,
    asked: JSON.stringify(data),
    input_hash: hash,
    risk: 'risk' in data ? data.risk : null,
    expires_at: Number.isFinite(limit) ? limit : null,
    asked_at: recording.now,
  });
  if ('approvalId' in data) recording.addToTurn('agent', 'approval.requested', data, asked.turnId);
  else recording.addToTurn('agent', 'question.asked', data, asked.turnId);
  recording.moveTurn({ kind: 'waits' }, { for: asked.kind, id });
  recording.moveSession({ kind: 'turn-waits' });
}

/** The agent no longer wants to know. */
export function recordTakenBack(asker: Asker, recording: Recording, agentId: string): void {
  const { store, session } = asker;
  for (const request of store.requests.open(session.num)) {
    if (request.incarnation_id !== asker.incarnationId || request.agent_request_id !== agentId) continue;
    settleRecorded(store, recording, request.id, session.num, { decision: 'withdrawn', by: 'agent', reason: 'taken-back' });
  }
  resumeIfNothingOpen(store, session.num, recording);
}

/** A turn goes on when the last thing that it waited for is settled. */
export function resumeIfNothingOpen(store: Store, sessionNum: number, recording: Recording): void {
  if (store.requests.open(sessionNum).length > 0) return;
  recording.moveTurn({ kind: 'goes-on' });
  recording.moveSession({ kind: 'turn-goes-on' });
}

function settleRecorded(store: Store, recording: Recording, id: string, sessionNum: number, verdict: Verdict): void {
  const request = store.requests.byId(id, sessionNum);
  const event = request && settle(store, request, verdict, recording.now);
  if (event) recording.add(event);
}

/** An id that is the same again after a restart, and another one where an agent uses its own twice. */
function freeId({ store, session, incarnationId }: Asker, agentId: string): string {
  let id = derivedId(incarnationId, agentId);
  for (let again = 1; store.requests.byId(id, session.num); again++) id = derivedId(incarnationId, agentId, String(again));
  return id;
}
