import { AnsweredView, ApprovalView, AskedPage, AskedView } from '../asked.ts';
import { ApprovalDecision, KeepAlive, QuestionAnswers } from '../commands.ts';
import { bodyErrors, endpoint } from '../endpoint.ts';
import { ApprovalParams, AskedQuery, InboxQuery, QuestionParams, SessionParams } from '../queries.ts';
import { KeepAliveView } from '../recap.ts';
import { ActedView } from '../views.ts';

const action = {
  method: 'POST',
  auth: true,
  params: SessionParams,
  responses: { 200: ActedView },
  example: { params: { id: '$SESSION' } },
} as const;
const starts = [
  'session-not-found',
  'session-archived',
  'session-busy',
  'agent-not-installed',
  'project-not-found',
  'start-failed',
  'pool-full',
  'shutting-down',
  'disk-full',
] as const;

/** Why a decision is not taken. */
const undecided = ['input-changed', 'already-decided', 'session-busy', 'not-supported', 'disk-full'] as const;

/** What can be done to a session. */
export const actionEndpoints = {
  keepAlive: endpoint({
    method: 'POST',
    path: '/api/sessions/keep-alive',
    summary: 'Put off its expiry, and tell what happened since a cursor',
    auth: true,
    body: KeepAlive,
    responses: { 200: KeepAliveView },
    errors: [...bodyErrors, 'session-not-found', 'session-archived', 'disk-full'],
    example: { body: { sessionId: '5b1c2f0e-8a55-4a0e-9a53-0c1df6f3a001', action: 'recap', after: 21 } },
  }),
  start: endpoint({ ...action, path: '/api/sessions/{id}/start', summary: 'Start its process, also after it failed', errors: starts }),
  wake: endpoint({ ...action, path: '/api/sessions/{id}/wake', summary: 'Warm it before the first word is typed', errors: starts }),
  pause: endpoint({
    ...action,
    path: '/api/sessions/{id}/pause',
    summary: 'Stop its processes where they are; messages wait',
    errors: ['session-not-found', 'session-busy', 'disk-full'],
  }),
  resume: endpoint({
    ...action,
    path: '/api/sessions/{id}/resume',
    summary: 'Let a paused session go on',
    errors: ['session-not-found', 'session-busy', 'disk-full'],
  }),
  stop: endpoint({
    ...action,
    path: '/api/sessions/{id}/stop',
    summary: 'Stop its process and keep the conversation',
    errors: ['session-not-found', 'disk-full'],
  }),
  interactiveStop: endpoint({
    ...action,
    method: 'DELETE',
    path: '/api/sessions/interactive/{id}',
    summary: 'The same as POST /api/sessions/{id}/stop',
    errors: ['session-not-found', 'disk-full'],
  }),
  cancel: endpoint({
    ...action,
    path: '/api/sessions/{id}/cancel',
    summary: 'Interrupt the running turn and keep the process',
    errors: ['session-not-found', 'nothing-to-cancel', 'not-supported', 'disk-full'],
  }),
  inbox: endpoint({
    method: 'GET',
    path: '/api/approvals',
    summary: 'What waits for its owner, in all sessions, newest first',
    auth: true,
    query: InboxQuery,
    responses: { 200: AskedPage },
    errors: ['validation-failed', 'bad-cursor'],
    example: { query: '?kind=approval' },
  }),
  asked: endpoint({
    method: 'GET',
    path: '/api/sessions/{id}/approvals',
    summary: 'Approvals and questions, open and decided, newest first',
    auth: true,
    params: SessionParams,
    query: AskedQuery,
    responses: { 200: AskedPage },
    errors: ['validation-failed', 'session-not-found', 'bad-cursor'],
    example: { params: { id: '$SESSION' }, query: '?state=open' },
  }),
  askedOne: endpoint({
    method: 'GET',
    path: '/api/sessions/{id}/approvals/{approvalId}',
    summary: 'One approval or question, and what became of it',
    auth: true,
    params: ApprovalParams,
    responses: { 200: AskedView },
    errors: ['session-not-found', 'approval-not-found'],
    example: { params: { id: '$SESSION', approvalId: '$APPROVAL' } },
  }),
  decide: endpoint({
    method: 'POST',
    path: '/api/sessions/{id}/approvals/{approvalId}',
    summary: 'Allow or deny what the agent asks for',
    auth: true,
    params: ApprovalParams,
    body: ApprovalDecision,
    responses: { 200: ApprovalView },
    errors: [...bodyErrors, 'session-not-found', 'approval-not-found', ...undecided],
    example: { params: { id: '$SESSION', approvalId: '$APPROVAL' }, body: { decision: 'allow' } },
  }),
  answer: endpoint({
    method: 'POST',
    path: '/api/sessions/{id}/questions/{questionId}',
    summary: "Answer the agent's questions",
    auth: true,
    params: QuestionParams,
    body: QuestionAnswers,
    responses: { 200: AnsweredView },
    errors: [...bodyErrors, 'session-not-found', 'question-not-found', ...undecided],
    example: { params: { id: '$SESSION', questionId: '$QUESTION' }, body: { answers: { 'Which database?': 'SQLite' } } },
  }),
};
