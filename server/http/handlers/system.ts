import type { ApiHandlers } from '../../contracts/registry.ts';
import { isoTime } from '../../platform/clock.ts';
import type { Api, RequestContext } from '../context.ts';

type System = Pick<ApiHandlers<RequestContext>, 'health' | 'ready' | 'openapi' | 'agents' | 'projects' | 'wsTicket'>;

/** The server itself, and what it finds on its machine. */
export function systemHandlers(api: Api): System {
  return {
    health: async () => ({ status: 200, body: api.health() }),
    ready: async () => {
      const body = await api.ready();
      return body.ready ? { status: 200, body } : { status: 503, body };
    },
    openapi: async () => ({ status: 200, body: api.openapi() }),
    agents: async (_input, { owner }) => ({ status: 200, body: await api.agents(owner) }),
    projects: async () => ({ status: 200, body: await api.projects() }),
    wsTicket: async (_input, { owner }) => {
      const { ticket, expiresAt } = api.tickets.issue(owner);
      return { status: 201, body: { ticket, expiresAt: isoTime(expiresAt) } };
    },
  };
}
