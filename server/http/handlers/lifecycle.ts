import type { ApiHandlers } from '../../contracts/registry.ts';
import type { Api, RequestContext } from '../context.ts';
import { acted } from './acted.ts';

/** Copies of conversations, and where they end. */
export function lifecycleHandlers({ commands, queries }: Api): Pick<ApiHandlers<RequestContext>, 'fork' | 'archive'> {
  return {
    fork: async ({ params, headers, body }, { owner }) => {
      const id = commands.fork({ owner, idempotencyKey: headers['idempotency-key'] }, params.id, body);
      return { status: 201, body: queries.session(commands.find(owner, id)), headers: { Location: `/api/sessions/${id}` } };
    },
    archive: async ({ params }, { owner }) => {
      await commands.archive(owner, params.id);
      return { status: 200, body: acted({ commands, queries }, owner, params.id) };
    },
  };
}
