import type { AskedPage, AskedView } from '../../contracts/asked.ts';
import type { AskedQuery } from '../../contracts/queries.ts';
import { AppError } from '../../platform/app-error.ts';
import { isoTime } from '../../platform/clock.ts';
import type { RequestFilter, RequestRow } from '../../storage/requests-table.ts';
import type { Store } from '../../storage/store.ts';

/** What was asked in a session, newest first. Throws `bad-cursor`. */
export function askedPage(store: Store, session: { num: number }, query: AskedQuery): AskedPage {
  return pageOf(store.requests.page(session.num, filterOf(query)), query);
}

/** The same in all sessions of an owner. Throws `bad-cursor`. */
export function inboxPage(store: Store, owner: string, query: AskedQuery): AskedPage {
  return pageOf(store.requests.ofOwner(owner, filterOf(query)), query);
}

/** One more than the page has, so that it is known whether there are more. */
function filterOf({ state, kind, before, limit }: AskedQuery): RequestFilter {
  return {
    state: state === 'all' ? null : state,
    kind: kind ?? null,
    before: before === undefined ? null : placeOf(before),
    limit: limit + 1,
  };
}

function pageOf(rows: readonly RequestRow[], query: AskedQuery): AskedPage {
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const hasMore = rows.length > page.length;
  return { asked: page.map(askedView), hasMore, ...(hasMore && last ? { nextBefore: `${last.asked_at}.${last.id}` } : {}) };
}

/** One of them. Throws `approval-not-found`. */
export function askedOne(store: Store, session: { num: number }, id: string): AskedView {
  const request = store.requests.byId(id, session.num);
  if (!request) throw new AppError('approval-not-found', `This session has no approval or question ${id.slice(0, 100)}.`);
  return askedView(request);
}

function askedView(row: RequestRow): AskedView {
  // What is stored is what the event said.
  const asked = JSON.parse(row.asked) as object;
  const said = JSON.parse(row.said ?? '{}') as object;
  const outcome = {
    decision: row.decision,
    by: row.decided_by,
    ...(row.device === null ? {} : { device: row.device }),
    at: isoTime(row.decided_at ?? 0),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...said,
  };
  return {
    kind: row.kind,
    sessionId: row.session_id,
    ...asked,
    ...(row.turn_id === null ? {} : { turnId: row.turn_id }),
    askedAt: isoTime(row.asked_at),
    ...(row.decision === null ? {} : { outcome }),
  } as AskedView;
}

function placeOf(text: string): { asked_at: number; id: string } {
  const match = /^(\d{1,15})\.([\da-f-]{36})$/.exec(text);
  if (!match) throw new AppError('bad-cursor', 'before must be the nextBefore of an earlier page.');
  return { asked_at: Number(match[1]), id: match[2] ?? '' };
}
