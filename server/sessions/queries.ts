import type { AskedPage, AskedView } from '../contracts/asked.ts';
import type { AskedQuery, HistoryQuery, MessagesQuery, SessionsQuery } from '../contracts/queries.ts';
import type { SessionState, TurnState } from '../contracts/state.ts';
import { isFinal } from '../contracts/state.ts';
import type {
  ChatAccepted,
  ChatCompleted,
  HistoryPage,
  MessagesPage,
  SessionsPage,
  SessionView,
  StatusView,
  StoredMessageView,
} from '../contracts/views.ts';
import { AppError } from '../platform/app-error.ts';
import { isoTime, type Clock } from '../platform/clock.ts';
import type { SessionRow } from '../storage/sessions-table.ts';
import type { Store } from '../storage/store.ts';
import { askedOne, askedPage, inboxPage } from './approvals/asked-view.ts';
import { historyMessage, messageView, storedMessageView } from './turns/message-view.ts';
import type { InteractiveSessionPool } from './pool/pool.ts';
import { storedTerminal } from './terminal/terminal-of.ts';

const noUsage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** What clients see of sessions: rows of the store, and what only the pool knows. */
export class SessionQueries {
  readonly #store: Store;
  readonly #pool: InteractiveSessionPool;
  readonly #clock: Clock;
  readonly #expiresAfterMs: number;

  constructor(store: Store, pool: InteractiveSessionPool, clock: Clock, expiresAfterMs: number) {
    this.#clock = clock;
    this.#store = store;
    this.#pool = pool;
    this.#expiresAfterMs = expiresAfterMs;
  }

  status(row: SessionRow): StatusView {
    const loaded = this.#pool.loaded(row.id);
    const open = this.#store.turns.open(row.num);
    const turn = loaded?.turn ?? (open[0] ? { id: open[0].id, state: open[0].state as TurnState } : null);
    const pid = loaded?.isLive ? loaded.incarnation?.pid : undefined;
    return {
      sessionId: row.id,
      state: (loaded?.state.kind ?? row.state) as SessionState,
      agent: row.agent,
      ...(pid === undefined ? {} : { pid }),
      ...(loaded?.isLive ? { expiresAt: this.expiresAt(row) } : {}),
      ...(turn ? { turn: { id: turn.id, state: turn.state } } : {}),
      queued: Math.max(0, open.length - 1),
      ...(row.last_exit === null ? {} : { lastExit: JSON.parse(row.last_exit) as StatusView['lastExit'] & object }),
      usage: row.usage === null ? noUsage : (JSON.parse(row.usage) as StatusView['usage']),
      costUsd: row.cost_usd,
    };
  }

  /** When a live session's process ends unless it is used. */
  expiresAt(row: SessionRow): string {
    const idleMs = this.#pool.loaded(row.id)?.activity.idleMs;
    const active = idleMs === undefined ? row.last_activity_at : this.#clock.now() - idleMs;
    return isoTime(active + this.#expiresAfterMs);
  }

  session(row: SessionRow): SessionView {
    const failure = this.#failure(row);
    const terminal = storedTerminal(row);
    return {
      ...this.status(row),
      name: row.name,
      projectPath: row.project_path,
      mode: row.mode as SessionView['mode'],
      model: row.model,
      effort: row.effort,
      labels: JSON.parse(row.labels) as string[],
      createdAt: isoTime(row.created_at),
      lastActivityAt: isoTime(row.last_activity_at),
      cursor: row.head_seq,
      ...(terminal ? { terminal } : {}),
      ...(row.archived_at === null ? {} : { archivedAt: isoTime(row.archived_at) }),
      ...(row.forked_from === null ? {} : { forkedFrom: row.forked_from }),
      ...(failure ? { failure } : {}),
    };
  }

  list(owner: string, query: SessionsQuery): SessionsPage {
    const rows = this.#store.sessions.list({
      owner,
      states: query.status ? [query.status] : null,
      agent: query.agent ?? null,
      project: query.project ?? null,
      label: query.label ?? null,
      text: query.text ?? null,
      before: query.before === undefined ? null : decodePlace(query.before),
      limit: query.limit + 1,
    });
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    const hasMore = rows.length > page.length;
    return {
      sessions: page.map((row) => this.session(row)),
      hasMore,
      ...(hasMore && last ? { nextBefore: `${last.last_activity_at}.${last.num}` } : {}),
    };
  }

  /** What its agent asked, newest first. Throws `bad-cursor`. */
  asked(row: SessionRow, query: AskedQuery): AskedPage {
    return askedPage(this.#store, row, query);
  }

  /** What was asked in all sessions of an owner. Throws `bad-cursor`. */
  inbox(owner: string, query: AskedQuery): AskedPage {
    return inboxPage(this.#store, owner, query);
  }

  /** One of that. Throws `approval-not-found`. */
  askedOne(row: SessionRow, id: string): AskedView {
    return askedOne(this.#store, row, id);
  }

  messages(row: SessionRow, query: MessagesQuery): MessagesPage {
    let before = Number.MAX_SAFE_INTEGER;
    if (query.before !== undefined) {
      const message = this.#store.messages.byId(query.before);
      if (message?.session_num !== row.num) throw new AppError('message-not-found', `This session has no message ${query.before}.`);
      before = message.ord;
    }
    const rows = this.#store.messages.page(row.num, before, query.limit + 1);
    const messages = rows.slice(0, query.limit).reverse().map(messageView);
    return { messages, hasMore: rows.length > query.limit };
  }

  /** One message; another owner's is `message-not-found`. */
  message(owner: string, id: string): StoredMessageView {
    const row = this.#store.messages.byId(id);
    if (row?.owner !== owner) throw new AppError('message-not-found', `There is no message ${id}.`);
    return storedMessageView(row);
  }

  /** The newest messages, as the published app reads them. */
  history(row: SessionRow, { limit }: HistoryQuery): HistoryPage {
    const rows = this.#store.messages.page(row.num, Number.MAX_SAFE_INTEGER, limit + 1);
    const messages = rows.slice(0, limit).reverse().map(historyMessage);
    return { messages, total: this.#store.messages.count(row.num), hasMore: rows.length > limit };
  }

  /** The outcome of a turn; null while it has none. */
  outcome(accepted: ChatAccepted): ChatCompleted | null {
    const turn = this.#store.turns.byId(accepted.messageId);
    const state = turn?.state as TurnState | undefined;
    if (!turn || state === undefined || !isFinal(state)) return null;
    const { success, sessionId, messageId, resumed, deliveryMethod } = accepted;
    const outcome = JSON.parse(turn.outcome ?? '{}') as Outcome;
    const reply = this.#store.messages.reply(turn.id) ?? null;
    const error =
      state === 'failed' ? { code: outcome.code ?? 'failed', detail: outcome.detail ?? '' } : interruption(state, outcome.reason);
    return {
      ...{ success, sessionId, messageId, cursor: turn.last_seq ?? accepted.cursor, resumed, deliveryMethod, state },
      content: state === 'completed' ? (outcome.text ?? '') : '',
      reply,
      usage: outcome.usage ?? null,
      costUsd: outcome.costUsd ?? null,
      ...(error ? { error } : {}),
    };
  }

  #failure(row: SessionRow): SessionView['failure'] {
    const state = this.#pool.loaded(row.id)?.state;
    if (state) return state.kind === 'failed' ? { code: state.code, detail: state.detail } : undefined;
    return row.state === 'failed' && row.failure !== null ? (JSON.parse(row.failure) as SessionView['failure']) : undefined;
  }
}

/** What a turn's row says of how it ended. */
type Outcome = Partial<Pick<ChatCompleted, 'usage' | 'costUsd'>> & { text?: string; code?: string; detail?: string; reason?: string };

function interruption(state: TurnState, reason: string | undefined): { code: string; detail: string } | null {
  if (state === 'interrupted')
    return {
      code: 'interrupted',
      detail: `The agent's process ended (${reason ?? 'unknown'}) before it had answered. Send the message again under a new id.`,
    };
  return state === 'cancelled' ? { code: 'cancelled', detail: 'The turn was cancelled.' } : null;
}

function decodePlace(text: string): { activity: number; num: number } {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(text);
  if (!match) throw new AppError('bad-cursor', 'before must be the nextBefore of an earlier page.');
  return { activity: Number(match[1]), num: Number(match[2]) };
}
