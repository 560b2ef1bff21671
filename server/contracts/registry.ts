import type { EndpointSpec, Handlers } from './endpoint.ts';
import { actionEndpoints } from './endpoints/actions.ts';
import { activityEndpoints } from './endpoints/activities.ts';
import { chatEndpoints } from './endpoints/chat.ts';
import { deviceEndpoints } from './endpoints/devices.ts';
import { lifecycleEndpoints } from './endpoints/lifecycle.ts';
import { metricsEndpoints } from './endpoints/metrics.ts';
import { readerEndpoints } from './endpoints/readers.ts';
import { sessionEndpoints } from './endpoints/sessions.ts';
import { systemEndpoints } from './endpoints/system.ts';
import { terminalEndpoints } from './endpoints/terminals.ts';

/** Every endpoint by its id, in the order in which a router must try them. */
export const endpoints = {
  ...systemEndpoints,
  ...metricsEndpoints,
  ...chatEndpoints,
  ...sessionEndpoints,
  ...actionEndpoints,
  ...lifecycleEndpoints,
  ...terminalEndpoints,
  ...readerEndpoints,
  ...deviceEndpoints,
  ...activityEndpoints,
};

export type Endpoints = typeof endpoints;
export type EndpointId = keyof Endpoints;
/** A handler for every endpoint: leaving one out does not compile. */
export type ApiHandlers<Context> = Handlers<Endpoints, Context>;

/** The endpoints with their ids, in order. */
export function eachEndpoint(): { id: EndpointId; spec: EndpointSpec }[] {
  return Object.entries(endpoints).map(([id, spec]) => ({ id: id as EndpointId, spec }));
}
