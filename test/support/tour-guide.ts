import { spawnSync } from 'node:child_process';
import type { EndpointId } from '../../server/contracts/registry.ts';
import { endpoints } from '../../server/contracts/registry.ts';
import type { AnyEvent } from '../../server/contracts/views.ts';
import { eventOf } from './agent-processes.ts';
import type { Holdfast } from './holdfast.ts';
import { rawRequest } from './raw-http.ts';

/** Everything that a real server said on a tour past all its endpoints. */
export interface Tour {
  /** By endpoint and status, such as `chat.202`. */
  answers: Map<string, { id: EndpointId; status: number; body: unknown }>;
  /** The first event of each kind. */
  events: Map<string, AnyEvent>;
  errors: Map<string, Record<string, unknown>>;
  /** Places of this run, and what fixtures call them. */
  places: Record<string, string>;
}

/** One stop of the tour: a request to an endpoint by its id. */
interface Stop {
  params?: Record<string, string>;
  query?: string;
  body?: unknown;
}

/** The path of a program; null where there is none. */
function whereIs(program: string): string | null {
  return spawnSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim() || null;
}

/** Leads past endpoints, and keeps what each answers for the first time. */
export class Guide {
  readonly tour: Tour = { answers: new Map(), events: new Map(), errors: new Map(), places: {} };
  readonly holdfast: Holdfast;

  constructor(holdfast: Holdfast) {
    this.holdfast = holdfast;
    const tmux = whereIs('tmux');
    this.tour.places = { [holdfast.root]: '/home/me', [process.execPath]: '/usr/bin/node', ...(tmux && { [tmux]: '/usr/bin/tmux' }) };
  }

  async visit<T>(id: EndpointId, { params = {}, query = '', body }: Stop = {}): Promise<T> {
    const { method, path } = endpoints[id];
    const way = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''));
    const reply = await this.holdfast.client.call<T>(method, way + query, body);
    this.keep(id, reply.status, reply.body);
    return reply.body;
  }

  /** An endpoint that answers with text. */
  async visitText(id: EndpointId): Promise<void> {
    const { client } = this.holdfast;
    const response = await fetch(client.url + endpoints[id].path, { headers: client.headers });
    this.keep(id, response.status, await response.text());
  }

  keep(id: EndpointId, status: number, body: unknown): void {
    if (status < 400 || status in endpoints[id].responses) {
      const name = `${id}.${status}`;
      if (!this.tour.answers.has(name)) this.tour.answers.set(name, { id, status, body });
    } else this.fail(body as Record<string, unknown>);
  }

  fail(problem: Record<string, unknown>): void {
    const code = String(problem['code']);
    if (!this.tour.errors.has(code)) this.tour.errors.set(code, problem);
  }

  async raw(request: Parameters<typeof rawRequest>[1]): Promise<void> {
    this.fail(JSON.parse((await rawRequest(this.holdfast.url, request)).text) as Record<string, unknown>);
  }

  /** Starts a session's process and waits until it is ready. */
  async warm(sessionId: string): Promise<void> {
    const { client } = this.holdfast;
    const { cursor } = await client.session(sessionId);
    await client.call('POST', `/api/sessions/${sessionId}/wake`);
    await eventOf(client, sessionId, 'session.ready', cursor);
  }

  /** Keeps the next event of this kind. */
  async awaitEvent(sessionId: string, kind: string): Promise<void> {
    await eventOf(this.holdfast.client, sessionId, kind);
    this.notice((await this.holdfast.client.events(sessionId)).find((event) => event.kind === kind));
  }

  async takeEvents(sessionId: string): Promise<void> {
    for (const event of await this.holdfast.client.events(sessionId))
      if (!this.tour.events.has(event.kind)) this.tour.events.set(event.kind, event);
  }

  notice(event: AnyEvent | undefined): void {
    if (event) this.tour.events.set(event.kind, event);
  }
}
