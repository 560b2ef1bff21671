import type { ApiHandlers } from '../../contracts/registry.ts';
import type { ChatRequest } from '../../contracts/commands.ts';
import { turnEndings } from '../../contracts/events.ts';
import type { ChatAccepted, ChatCompleted } from '../../contracts/views.ts';
import { Reader } from '../../events/reader.ts';
import type { Api, RequestContext } from '../context.ts';
import { EventStream, wantsStream } from '../event-stream.ts';
import { acted } from './acted.ts';

/** `wait: true` waits as long as this, in milliseconds. */
const WAIT_MS = 600_000;
/** The published app gives up after 120 s: by then it has the answer, or a 202. In milliseconds. */
const HOLD_MS = 110_000;
const ENDINGS: ReadonlySet<string> = new Set(turnEndings);

type Chat = Pick<ApiHandlers<RequestContext>, 'chat' | 'killChat' | 'history' | 'message'>;

/** Messages to agents. */
export function chatHandlers(api: Api): Chat {
  return {
    chat: async ({ body, headers }, context) => {
      const { wait, ...message } = body;
      const sender = { owner: context.owner, idempotencyKey: headers['idempotency-key'] };
      // Before the message, whose answer may be there sooner than anything that is done after it.
      if (message.deviceToken !== undefined) api.devices.registerSender(context.owner, message.deviceToken);
      if (wantsStream(context)) {
        streamTurn(api, context, await api.commands.send(sender, message));
        return 'streamed';
      }
      if (mayBeHeld(body)) {
        // Whoever is told by a push needs no place; the same message again may still have to be held, as it was at first.
        const pushed = api.commands.isPushed(context.owner, message) ? await api.commands.send(sender, message) : null;
        if (pushed?.deliveryMethod === 'apns') return { status: 202, body: pushed };
        return api.held.hold(context.gone, async (signal) => {
          const accepted = pushed ?? (await api.commands.send(sender, message));
          if (accepted.deliveryMethod === 'apns') return { status: 202, body: accepted };
          await api.commands.waitForTurn(accepted, HOLD_MS, signal);
          const outcome = api.queries.outcome(accepted);
          return outcome ? { status: 200, body: inWords(outcome) } : { status: 202, body: accepted };
        });
      }
      const accepted = await api.commands.send(sender, message);
      const milliseconds = wait === true ? WAIT_MS : wait === false ? 0 : (wait ?? 0);
      if (milliseconds > 0) await api.commands.waitForTurn(accepted, milliseconds, context.gone);
      const outcome = milliseconds > 0 ? api.queries.outcome(accepted) : null;
      return outcome ? { status: 200, body: outcome } : { status: 202, body: accepted };
    },
    killChat: async ({ body: { sessionId, reason } }, { owner }) => {
      api.logger.info({ sessionId, reason }, 'a client asks for the end of a process');
      await api.commands.stop(owner, sessionId);
      return { status: 200, body: acted(api, owner, sessionId) };
    },
    history: async ({ query }, { owner }) => ({
      status: 200,
      body: api.queries.history(api.commands.find(owner, query.session_id), query),
    }),
    message: async ({ params }, { owner }) => ({ status: 200, body: api.queries.message(owner, params.id) }),
  };
}

/** Only the published app sends a `timestamp`: it can't read a bare 202 unless the answer is pushed. Who says how to wait knows better. */
function mayBeHeld({ timestamp, wait }: ChatRequest): boolean {
  return timestamp !== undefined && wait === undefined;
}

/** The published app shows `content` and nothing else: of a turn that did not complete it gets the reason there. */
function inWords(outcome: ChatCompleted): ChatCompleted {
  return outcome.error ? { ...outcome, content: outcome.error.detail } : outcome;
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
