import { turnEndings, type EventKind } from '../../contracts/events.ts';
import type { EventLog } from '../../events/event-log.ts';
import { messageOf } from '../../platform/app-error.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ActivityRow } from '../../storage/activities-table.ts';
import type { Store } from '../../storage/store.ts';
import type { Tell } from './tell.ts';

export interface FollowParts {
  store: Store;
  log: EventLog;
  clock: Clock;
  logger: Logger;
  tell: Tell;
  /** There are new rows. */
  made: () => void;
}

/** Events after which a live activity may have to show something else. What an agent says or does meanwhile is not among them. */
const KINDS: ReadonlySet<EventKind> = new Set<EventKind>([
  ...(['session.starting', 'session.ready', 'session.paused', 'session.resumed', 'session.exited', 'session.recovered'] as const),
  ...(['session.renamed', 'session.failed', 'session.archived'] as const),
  ...(['turn.accepted', 'turn.written', 'turn.started', 'turn.waiting', 'turn.resumed'] as const),
  ...turnEndings,
  ...(['approval.requested', 'approval.resolved', 'question.asked', 'question.answered'] as const),
]);
const LOOK_MS = 15_000;
const RETRY_MS = 5_000;
/** Activities that are looked at in one transaction. */
const AT_ONCE = 50;

/**
 * Looks at the live activities of a session whenever something happened in it, and at all of them now and then. What they show is
 * compared with the store, so that a restart, or an event that nobody heard of, makes no difference.
 */
export class Follow {
  readonly #parts: FollowParts;
  /** Ids of sessions to look at. */
  readonly #changed = new Set<string>();
  #leave: (() => void)[] = [];
  #next: NodeJS.Immediate | Timer | null = null;

  constructor(parts: FollowParts) {
    this.#parts = parts;
  }

  start(): void {
    const { store, log, clock } = this.#parts;
    const timer = clock.every(LOOK_MS, () => this.#add(null));
    this.#leave = [
      log.subscribeAll((events) => {
        const [first] = events;
        if (first && events.some(({ kind }) => KINDS.has(kind as EventKind))) this.#add(first.sessionId);
      }),
      log.onDeleted(() => this.#add(null)),
      () => timer.cancel(),
    ];
    for (const id of store.activities.sessions()) this.#add(id);
    this.#add(null);
  }

  stop(): void {
    for (const leave of this.#leave.splice(0)) leave();
    this.#changed.clear();
    if (this.#next && 'cancel' in this.#next) this.#next.cancel();
    else if (this.#next) clearImmediate(this.#next);
    this.#next = null;
  }

  /** Null: only those that are due, and those whose session is gone. */
  #add(sessionId: string | null): void {
    if (sessionId !== null) this.#changed.add(sessionId);
    this.#next ??= setImmediate(() => this.#work());
  }

  /** One session at a time; others get their turn between two. */
  #work(): void {
    const { store, clock, logger } = this.#parts;
    this.#next = null;
    const [sessionId] = this.#changed;
    try {
      if (sessionId !== undefined) {
        const num = store.sessions.byId(sessionId)?.num;
        if (num !== undefined) this.#look(store.activities.ofSession(num));
        this.#changed.delete(sessionId);
        this.#next = setImmediate(() => this.#work());
        return;
      }
      const waiting = [...store.activities.due(clock.now(), AT_ONCE), ...store.activities.orphans(AT_ONCE)];
      this.#look(waiting);
      if (waiting.length >= AT_ONCE) this.#next = setImmediate(() => this.#work());
    } catch (error) {
      // A full disk, most likely.
      logger.warn({ error: messageOf(error) }, 'live activities could not be told; it is tried again');
      this.#next = clock.after(RETRY_MS, () => this.#work());
    }
  }

  #look(activities: readonly ActivityRow[]): void {
    const { store, clock, tell, made } = this.#parts;
    if (activities.length === 0) return;
    const now = clock.now();
    const told = store.transaction(() => activities.filter((activity) => tell.state(activity, now)).length);
    if (told > 0) made();
  }
}
