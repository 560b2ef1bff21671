import { endpoint } from '../endpoint.ts';
import { EventsQuery, LogsQuery, MessagesQuery, SessionParams, StreamHeaders } from '../queries.ts';
import { EventsPage, LogsView, MessagesPage } from '../views.ts';

/** What a session holds, for those who read. */
export const readerEndpoints = {
  messages: endpoint({
    method: 'GET',
    path: '/api/sessions/{id}/messages',
    summary: 'The newest messages, oldest first',
    auth: true,
    params: SessionParams,
    query: MessagesQuery,
    responses: { 200: MessagesPage },
    errors: ['validation-failed', 'session-not-found', 'message-not-found'],
    example: { params: { id: '$SESSION' }, query: '?limit=20' },
  }),
  events: endpoint({
    method: 'GET',
    path: '/api/sessions/{id}/events',
    summary: 'Events after a cursor: a JSON page, or live as a stream',
    auth: true,
    params: SessionParams,
    query: EventsQuery,
    headers: StreamHeaders,
    responses: { 200: EventsPage },
    stream: true,
    errors: ['validation-failed', 'session-not-found'],
    example: { params: { id: '$SESSION' }, query: '?after=0' },
  }),
  logs: endpoint({
    method: 'GET',
    path: '/api/sessions/{id}/logs',
    summary: 'The last lines that the process wrote, raw',
    auth: true,
    params: SessionParams,
    query: LogsQuery,
    responses: { 200: LogsView },
    errors: ['validation-failed', 'session-not-found'],
    example: { params: { id: '$SESSION' }, query: '?tail=50&stream=err' },
  }),
};
