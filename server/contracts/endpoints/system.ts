import { endpoint } from '../endpoint.ts';
import { AgentsView, HealthView, OpenApiDocument, ProjectsView, ReadyView, TicketView } from '../server-views.ts';

/** The server itself. */
export const systemEndpoints = {
  health: endpoint({
    method: 'GET',
    path: '/health',
    summary: 'Is the server alive, and which agents does it have',
    auth: false,
    responses: { 200: HealthView },
    errors: [],
  }),
  ready: endpoint({
    method: 'GET',
    path: '/ready',
    summary: 'Can the server take on work; 503 with the checks that say no',
    auth: false,
    responses: { 200: ReadyView, 503: ReadyView },
    errors: [],
  }),
  openapi: endpoint({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This API as an OpenAPI 3.1 document',
    auth: true,
    responses: { 200: OpenApiDocument },
    errors: [],
  }),
  agents: endpoint({
    method: 'GET',
    path: '/api/agents',
    summary: 'Agents: installed, version, what each can do',
    auth: true,
    responses: { 200: AgentsView },
    errors: [],
  }),
  projects: endpoint({
    method: 'GET',
    path: '/api/projects',
    summary: 'Folders under PROJECT_ROOTS that agents can work in',
    auth: true,
    responses: { 200: ProjectsView },
    errors: ['project-not-found'],
  }),
  wsTicket: endpoint({
    method: 'POST',
    path: '/api/ws-ticket',
    summary: 'A single-use ticket that opens one WebSocket',
    auth: true,
    responses: { 201: TicketView },
    errors: [],
  }),
};
