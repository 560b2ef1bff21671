import { ChatRequest, KillChat } from '../commands.ts';
import { bodyErrors, endpoint } from '../endpoint.ts';
import { HistoryQuery, IdempotencyHeaders, MessageParams } from '../queries.ts';
import { ActedView, ChatAccepted, ChatCompleted, HistoryPage, StoredMessageView } from '../views.ts';

/** Messages to agents. */
export const chatEndpoints = {
  chat: endpoint({
    method: 'POST',
    path: '/api/chat',
    summary: 'Send a message: 202 at once, 200 with the answer under `wait`, or a stream of events',
    auth: true,
    headers: IdempotencyHeaders,
    body: ChatRequest,
    responses: { 200: ChatCompleted, 202: ChatAccepted },
    stream: true,
    errors: [
      ...bodyErrors,
      'bad-attachment',
      'project-not-allowed',
      'project-not-found',
      'session-not-found',
      'session-archived',
      'agent-not-installed',
      'idempotency-conflict',
      'agent-unknown',
      'not-supported',
      'queue-full',
      'start-failed',
      'pool-full',
      'shutting-down',
      'disk-full',
    ],
    example: { body: { message: 'What does this project do?', projectPath: '/home/me/project', wait: true } },
  }),
  killChat: endpoint({
    method: 'POST',
    path: '/api/chat/kill',
    summary: "Stop a session's process and keep the conversation, as the published app asks for it",
    auth: true,
    body: KillChat,
    responses: { 200: ActedView },
    errors: [...bodyErrors, 'session-not-found', 'disk-full'],
    example: { body: { sessionId: '5b1c2f0e-8a55-4a0e-9a53-0c1df6f3a001', reason: 'User requested cancellation' } },
  }),
  history: endpoint({
    method: 'GET',
    path: '/api/messages',
    summary: "A session's newest messages, as the published app reads them",
    auth: true,
    query: HistoryQuery,
    responses: { 200: HistoryPage },
    errors: ['validation-failed', 'session-not-found'],
    example: { query: '?session_id=5b1c2f0e-8a55-4a0e-9a53-0c1df6f3a001&limit=20' },
  }),
  message: endpoint({
    method: 'GET',
    path: '/api/messages/{id}',
    summary: 'One message by its id',
    auth: true,
    params: MessageParams,
    responses: { 200: StoredMessageView },
    errors: ['message-not-found'],
    example: { params: { id: '$MESSAGE' } },
  }),
};
