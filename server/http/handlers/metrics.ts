import type { ApiHandlers } from '../../contracts/registry.ts';
import type { Api, RequestContext } from '../context.ts';

/** Figures, for people and for Prometheus. */
export function metricsHandlers({ figures }: Api): Pick<ApiHandlers<RequestContext>, 'metrics' | 'sessionMetrics'> {
  return {
    metrics: async () => ({ status: 200, body: await figures.text(), headers: { 'Content-Type': figures.contentType } }),
    sessionMetrics: async () => ({ status: 200, body: await figures.view() }),
  };
}
