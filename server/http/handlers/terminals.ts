import type { ApiHandlers } from '../../contracts/registry.ts';
import type { Api, RequestContext } from '../context.ts';

/** What only terminals have. */
export function terminalHandlers({ terminals }: Api): Pick<ApiHandlers<RequestContext>, 'input' | 'screen'> {
  return {
    input: async ({ params, body }, { owner }) => ({ status: 200, body: await terminals.input(owner, params.id, body) }),
    screen: async ({ params, query }, { owner }) => ({ status: 200, body: await terminals.screen(owner, params.id, query.lines) }),
  };
}
