import { endpoint } from '../endpoint.ts';
import { MetricsText, SessionMetricsView } from '../metrics-views.ts';

/** Figures, for people and for Prometheus. */
export const metricsEndpoints = {
  metrics: endpoint({
    method: 'GET',
    path: '/metrics',
    summary: "Figures in Prometheus' text format",
    auth: true,
    responses: { 200: MetricsText },
    text: 'text/plain',
    errors: [],
  }),
  sessionMetrics: endpoint({
    method: 'GET',
    path: '/api/metrics/sessions',
    summary: 'The same figures as JSON',
    auth: true,
    responses: { 200: SessionMetricsView },
    errors: [],
  }),
};
