import { ForkSession } from '../commands.ts';
import { bodyErrors, endpoint } from '../endpoint.ts';
import { IdempotencyHeaders, SessionParams } from '../queries.ts';
import { ActedView, SessionView } from '../views.ts';

/** Copies of conversations, and where they end. */
export const lifecycleEndpoints = {
  fork: endpoint({
    method: 'POST',
    path: '/api/sessions/{id}/fork',
    summary: 'A new session whose agent goes on from a copy of this conversation',
    auth: true,
    params: SessionParams,
    headers: IdempotencyHeaders,
    body: ForkSession,
    responses: { 201: SessionView },
    errors: [...bodyErrors, 'session-not-found', 'not-supported', 'idempotency-conflict', 'shutting-down', 'disk-full'],
    example: { params: { id: '$SESSION' }, body: { name: 'The other way' } },
  }),
  archive: endpoint({
    method: 'POST',
    path: '/api/sessions/{id}/archive',
    summary: 'End its process and pack its journals; messages and events stay readable',
    auth: true,
    params: SessionParams,
    responses: { 200: ActedView },
    errors: ['session-not-found', 'session-busy', 'shutting-down', 'disk-full'],
    example: { params: { id: '$SESSION' } },
  }),
};
