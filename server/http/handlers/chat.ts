import type { ApiHandlers } from '../../contracts/registry.ts';
import type { ChatAccepted } from '../../contracts/views.ts';
import { Reader } from '../../events/reader.ts';
import type { Api, RequestContext } from '../context.ts';
import { EventStream } from '../event-stream.ts';

/** `wait: true` waits as long as this, in milliseconds. */
const WAIT_MS = 600_000;
const ENDINGS = new Set(['turn.completed', 'turn.failed', 'turn.cancelled', 'turn.interrupted']);

type Chat = Pick<ApiHandlers<RequestContext>, 'chat' | 'message'>;

/** Messages to agents. */
export function chatHandlers(api: Api): Chat {
  return {
    chat: async ({ body, headers }, context) => {
      const { wait, ...message } = body;
      // Before the message, whose answer may be there sooner than anything that is done after it.
      if (message.deviceToken !== undefined) api.devices.registerSender(context.owner, message.deviceToken);
      const accepted = await api.commands.send({ owner: context.owner, idempotencyKey: headers['idempotency-key'] }, message);
      if (wantsStream(context)) {
        streamTurn(api, context, accepted);
        return 'streamed';
      }
      const milliseconds = wait === true ? WAIT_MS : wait === false ? 0 : (wait ?? 0);
      if (milliseconds > 0) await api.commands.waitForTurn(accepted, milliseconds, context.gone);
      const outcome = milliseconds > 0 ? api.queries.outcome(accepted) : null;
      return outcome ? { status: 200, body: outcome } : { status: 202, body: accepted };
    },
    message: async ({ params }, { owner }) => ({ status: 200, body: api.queries.message(owner, params.id) }),
  };
}

/** Whether the client asked for a stream of events. */
export function wantsStream({ request }: Pick<RequestContext, 'request'>): boolean {
  return request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';
}

/** This turn's events from its acceptance to its end, then the stream ends. */
function streamTurn(api: Api, { owner, response }: RequestContext, accepted: ChatAccepted): void {
  const session = api.commands.find(owner, accepted.sessionId);
  const stream = new EventStream(response, api.clock, (event) => {
    if (event.turnId !== accepted.messageId) return false;
    if (ENDINGS.has(event.kind)) setImmediate(() => response.end());
    return true;
  });
  const reader = new Reader(api.readers, session, accepted.cursor - 1, stream);
  response.once('close', () => reader.close());
  reader.start();
}
