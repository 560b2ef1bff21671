import type { ApiHandlers } from '../../contracts/registry.ts';
import type { SessionView } from '../../contracts/views.ts';
import type { Api, RequestContext } from '../context.ts';
import { acted } from './acted.ts';

type Names =
  | 'sessions'
  | 'createSession'
  | 'active'
  | 'session'
  | 'patchSession'
  | 'deleteSession'
  | 'status'
  | 'interactiveStatus'
  | 'keepAlive'
  | 'start'
  | 'wake'
  | 'pause'
  | 'resume'
  | 'stop'
  | 'interactiveStop'
  | 'cancel'
  | 'inbox'
  | 'asked'
  | 'askedOne'
  | 'decide'
  | 'answer';
type Handlers = Pick<ApiHandlers<RequestContext>, Names>;

/** Sessions as a collection, each one by its id, and what can be done to it. */
export function sessionHandlers(api: Api): Handlers {
  const { commands, queries } = api;
  const view = (owner: string, id: string): SessionView => queries.session(commands.find(owner, id));
  const status: Handlers['status'] = async ({ params }, { owner }) => ({
    status: 200,
    body: queries.status(commands.find(owner, params.id)),
  });
  /** A handler that does something to a session, and answers what is so then. */
  const doing =
    (act: (owner: string, id: string) => Promise<unknown>): Handlers['stop'] =>
    async ({ params }, { owner }) => {
      await act(owner, params.id);
      return { status: 200, body: acted(api, owner, params.id) };
    };
  const start = doing((owner, id) => commands.start(owner, id));
  const stop = doing((owner, id) => commands.stop(owner, id));
  return {
    sessions: async ({ query }, { owner }) => ({ status: 200, body: queries.list(owner, query) }),
    createSession: async ({ body, headers }, { owner }) => {
      const { id, created } = await commands.create({ owner, idempotencyKey: headers['idempotency-key'] }, body);
      return { status: created ? 201 : 200, body: view(owner, id), headers: { Location: `/api/sessions/${id}` } };
    },
    active: async (_input, { owner }) => ({ status: 200, body: await api.active(owner) }),
    session: async ({ params }, { owner }) => ({ status: 200, body: view(owner, params.id) }),
    patchSession: async ({ params, body }, { owner }) => {
      commands.patch(owner, params.id, body);
      return { status: 200, body: view(owner, params.id) };
    },
    deleteSession: async ({ params }, { owner }) => {
      await commands.remove(owner, params.id);
      return { status: 200, body: { success: true, sessionId: params.id } };
    },
    keepAlive: async ({ body }, { owner }) => ({ status: 200, body: await commands.keepAlive(owner, body) }),
    status,
    interactiveStatus: status,
    start,
    wake: start,
    pause: doing((owner, id) => commands.pause(owner, id)),
    resume: doing((owner, id) => commands.resume(owner, id)),
    stop,
    interactiveStop: stop,
    cancel: doing((owner, id) => commands.cancel(owner, id)),
    inbox: async ({ query }, { owner }) => ({ status: 200, body: queries.inbox(owner, query) }),
    asked: async ({ params, query }, { owner }) => ({ status: 200, body: queries.asked(commands.find(owner, params.id), query) }),
    askedOne: async ({ params }, { owner }) => ({
      status: 200,
      body: queries.askedOne(commands.find(owner, params.id), params.approvalId),
    }),
    decide: async ({ params, body }, { owner }) => ({
      status: 200,
      body: await commands.decide(owner, params.id, params.approvalId, body),
    }),
    answer: async ({ params, body }, { owner }) => ({
      status: 200,
      body: await commands.answer(owner, params.id, params.questionId, body),
    }),
  };
}
