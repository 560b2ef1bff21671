import { ChatRequest } from '../commands.ts';
import { bodyErrors, endpoint } from '../endpoint.ts';
import { IdempotencyHeaders, MessageParams } from '../queries.ts';
import { ChatAccepted, ChatCompleted, StoredMessageView } from '../views.ts';

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
