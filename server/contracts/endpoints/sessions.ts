import { CreateSession, PatchSession } from '../commands.ts';
import { bodyErrors, endpoint } from '../endpoint.ts';
import { IdempotencyHeaders, SessionParams, SessionsQuery } from '../queries.ts';
import { ActiveView, DeletedView, SessionsPage, SessionView, StatusView } from '../views.ts';

const status = {
  method: 'GET',
  auth: true,
  params: SessionParams,
  responses: { 200: StatusView },
  errors: ['session-not-found'],
  example: { params: { id: '$SESSION' } },
} as const;

/** Sessions as a collection, and each one by its id. */
export const sessionEndpoints = {
  sessions: endpoint({
    method: 'GET',
    path: '/api/sessions',
    summary: 'Sessions, newest activity first',
    auth: true,
    query: SessionsQuery,
    responses: { 200: SessionsPage },
    errors: ['validation-failed', 'bad-cursor'],
    example: { query: '?status=ready&limit=20' },
  }),
  createSession: endpoint({
    method: 'POST',
    path: '/api/sessions',
    summary: 'A session without a first message',
    auth: true,
    headers: IdempotencyHeaders,
    body: CreateSession,
    responses: { 200: SessionView, 201: SessionView },
    errors: [
      ...bodyErrors,
      'name-taken',
      'pool-full',
      'start-failed',
      'project-not-allowed',
      'project-not-found',
      'agent-not-installed',
      'agent-unknown',
      'not-supported',
      'idempotency-conflict',
      'shutting-down',
      'disk-full',
    ],
    example: { body: { projectPath: '/home/me/project', name: 'Refactoring', labels: ['work'] } },
  }),
  // Before {id}: a router takes the first path that fits.
  active: endpoint({
    method: 'GET',
    path: '/api/sessions/active',
    summary: 'Live processes with pid, memory, CPU and expiry; slots and totals',
    auth: true,
    responses: { 200: ActiveView },
    errors: [],
  }),
  session: endpoint({
    method: 'GET',
    path: '/api/sessions/{id}',
    summary: 'One session',
    auth: true,
    params: SessionParams,
    responses: { 200: SessionView },
    errors: ['session-not-found'],
    example: { params: { id: '$SESSION' } },
  }),
  patchSession: endpoint({
    method: 'PATCH',
    path: '/api/sessions/{id}',
    summary: 'Change name, labels, mode, model or effort; of an archived session the first two',
    auth: true,
    params: SessionParams,
    body: PatchSession,
    responses: { 200: SessionView },
    errors: [...bodyErrors, 'session-not-found', 'session-archived', 'not-supported', 'disk-full'],
    example: { params: { id: '$SESSION' }, body: { name: 'Release notes', mode: 'plan' } },
  }),
  deleteSession: endpoint({
    method: 'DELETE',
    path: '/api/sessions/{id}',
    summary: 'Stop the process and delete the conversation',
    auth: true,
    params: SessionParams,
    responses: { 200: DeletedView },
    errors: ['session-not-found', 'disk-full'],
    example: { params: { id: '$SESSION' } },
  }),
  status: endpoint({ ...status, path: '/api/sessions/{id}/status', summary: 'How a session is doing' }),
  interactiveStatus: endpoint({
    ...status,
    path: '/api/sessions/interactive/{id}/status',
    summary: 'The same as /api/sessions/{id}/status',
  }),
};
