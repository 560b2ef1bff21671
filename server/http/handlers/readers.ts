import type { ApiHandlers } from '../../contracts/registry.ts';
import type { AnyEvent } from '../../contracts/views.ts';
import { checkCursor, readPage } from '../../events/event-pages.ts';
import { noticeJson, Reader } from '../../events/reader.ts';
import type { SessionRow } from '../../sessions/commands.ts';
import { readLogs } from '../../sessions/logs.ts';
import type { Api, RequestContext } from '../context.ts';
import { EventStream, wantsStream } from '../event-stream.ts';

/** What a session holds, for those who read. */
export function readerHandlers(api: Api): Pick<ApiHandlers<RequestContext>, 'messages' | 'events' | 'logs'> {
  return {
    messages: async ({ params, query }, { owner }) => ({
      status: 200,
      body: api.queries.messages(api.commands.find(owner, params.id), query),
    }),
    events: async ({ params, query, headers }, context) => {
      const session = api.commands.find(context.owner, params.id);
      const after = headers['last-event-id'] ?? query.after;
      if (!wantsStream(context)) return { status: 200, body: eventsPage(api, session, { ...query, after }) };
      const wanted = query.kind;
      const stream = new EventStream(context.response, api.clock, wanted === undefined ? undefined : (event) => event.kind === wanted);
      const reader = new Reader(api.readers, session, after, stream);
      const leave = api.readers.log.onDeleted((id) => id === session.id && context.response.end());
      context.response.once('close', () => {
        leave();
        reader.close();
      });
      reader.start();
      return 'streamed';
    },
    logs: async ({ params, query }, { owner }) => {
      const session = api.commands.find(owner, params.id);
      const incarnationId = api.latestIncarnation(session.num);
      const streams = query.stream === 'both' ? (['out', 'err'] as const) : [query.stream];
      const place = incarnationId === null ? null : { dataDir: api.dataDir, sessionId: session.id, incarnationId };
      const logs = place && (await readLogs(place, streams, query.tail));
      const lines = Object.fromEntries(streams.map((name) => [name, logs?.get(name)?.lines ?? []]));
      const truncated = streams.some((name) => logs?.get(name)?.truncated);
      return { status: 200, body: { sessionId: session.id, incarnationId, ...lines, truncated } };
    },
  };
}

function eventsPage(
  api: Api,
  session: SessionRow,
  query: { after: number; limit: number; kind?: string | undefined },
): { events: AnyEvent[]; cursor: number; hasMore: boolean } {
  const events: AnyEvent[] = [];
  let { after } = query;
  const fit = checkCursor(api.readers.store, session, after);
  if (!fit.fits) {
    events.push(JSON.parse(noticeJson(api.readers, session, fit.kind, after, fit.resumeAt)) as AnyEvent);
    after = fit.resumeAt;
  }
  const page = readPage(api.readers.store, session, after, query.limit);
  const wanted = query.kind === undefined ? page.events : page.events.filter((event) => event.kind === query.kind);
  events.push(...wanted.map((event) => JSON.parse(event.json) as AnyEvent));
  return { events, cursor: page.cursor, hasMore: !page.done };
}
