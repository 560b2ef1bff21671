import type { ActivityContent } from '../../contracts/activities.ts';
import type { ActivityRow } from '../../storage/activities-table.ts';
import type { Store } from '../../storage/store.ts';
import { audienceOf, listener } from '../devices/preferences.ts';
import { subjectOf } from '../rules/notification.ts';
import { contentOf, NOTHING, seconds } from './content.ts';
import { factsOf } from './facts.ts';
import { activityPayload } from './payload.ts';
import { AFTERLIFE_MS, endOf, lastContent, LIFE_MS, stepOf, timingOf, type ActivityStep } from './rules.ts';

export interface TellParts {
  store: Store;
  newId: () => string;
  /** Ids of the devices that proved to show a session at this moment. */
  showing: (sessionId: string) => ReadonlySet<string>;
  /** Pushes that nobody needs any more. */
  dropped: (count: number) => void;
}

/** The kind of push that ends an activity: when it has arrived, the row goes. */
export const END = 'activity.end';
const HOUR = 3_600_000;

/** Makes rows of the outbox for live activities, inside a transaction of the caller's. */
export class Tell {
  readonly #parts: TellParts;

  constructor(parts: TellParts) {
    this.#parts = parts;
  }

  /** Compares what an activity shows with what is so, and tells it the difference. Returns whether there is a new push. */
  state(activity: ActivityRow, now: number): boolean {
    const isOver = now >= activity.created_at + LIFE_MS + AFTERLIFE_MS || (activity.state === 'ending' && now >= activity.look_at);
    // iOS itself has taken it away by now.
    if (isOver) this.#parts.store.activities.remove(activity.num);
    if (isOver || activity.state === 'ending') return false;
    const facts = activity.session_num === null ? null : factsOf(this.#parts.store, activity.session_num);
    if (!facts) return this.end(activity, 'deleted', now);
    const content = contentOf(facts);
    const { changed_at: changedAt, created_at: createdAt } = activity;
    const step = stepOf({ content: contentIn(activity), changedAt, createdAt }, content, now);
    if (step.is === 'same') {
      if (activity.look_at !== step.lookAt) this.#parts.store.activities.update(activity.num, { look_at: step.lookAt });
      return false;
    }
    this.#push(activity, step, step.is === 'end' ? lastContent(step.why, content) : content, now);
    return true;
  }

  /** Ends it on its lock screen with what it shows. */
  end(activity: ActivityRow, why: Parameters<typeof endOf>[0], now: number): true {
    this.#push(activity, endOf(why, now), lastContent(why, contentIn(activity) ?? NOTHING), now);
    return true;
  }

  #push(activity: ActivityRow, step: Exclude<ActivityStep, { is: 'same' }>, content: ActivityContent, now: number): void {
    const { store, newId, dropped } = this.#parts;
    const subject = subjectOf('activity', activity.id);
    dropped(store.deliveries.replace(activity.device_num, subject, now, 0));
    const isEnd = step.is === 'end';
    const { priority, at } = isEnd
      ? { priority: 10, at: now }
      : timingOf(step.urgent, store.activities.sent(activity.num, now - HOUR), now);
    const stamp = Math.max(seconds(now), activity.stamp + 1);
    const alerts = activity.alerts === 1 && !isEnd && step.urgent && this.#wantsAlert(activity, now);
    const push = store.outbox.insert({
      ...{ id: newId(), session_num: activity.session_num, seq: null, kind: isEnd ? END : 'activity.update', subject },
      ...{ push_type: 'liveactivity', priority, payload: activityPayload(step, content, { stamp, alerts }), created_at: now },
      expires_at: isEnd ? now + AFTERLIFE_MS : step.staleAt,
    });
    store.deliveries.insert({
      ...{ push_num: push, device_num: activity.device_num, apns_id: newId(), subject, silent: 0, reason: null },
      ...{ next_at: Math.max(at, activity.hold_until), created_at: now },
    });
    store.activities.attach(activity.num, push);
    store.activities.update(activity.num, {
      ...{ content: JSON.stringify(content), stamp, push_num: push },
      ...(isEnd ? { state: 'ending', changed_at: now, look_at: now + AFTERLIFE_MS } : { changed_at: step.changedAt, look_at: step.lookAt }),
    });
  }

  /** What its owner wants of the device holds here, too. */
  #wantsAlert({ device_num, session_num }: ActivityRow, now: number): boolean {
    const { store, showing } = this.#parts;
    const device = store.devices.byNum(device_num);
    const session = session_num === null ? undefined : store.sessions.byNum(session_num);
    if (!device || !session) return false;
    const [wish] = store.devices.forSession(session.num, device_num, device_num);
    const { told } = audienceOf({ is: 'needs-me', timeSensitive: true }, [listener(device, wish)], showing(session.id), now);
    return told.length > 0;
  }
}

/** What an activity was told last. */
export function contentIn({ content }: ActivityRow): ActivityContent | null {
  return content === null ? null : (JSON.parse(content) as ActivityContent);
}
