import type { PushOutcome } from '../../contracts/metrics-views.ts';
import type { ActivityRow } from '../../storage/activities-table.ts';
import type { PushRow } from '../../storage/outbox-table.ts';
import type { Store } from '../../storage/store.ts';
import type { Step } from '../apns/retry.ts';
import { END } from './tell.ts';

/** What an answer means for a push to a live activity: a token that is another app's will never do. */
export function stepOfActivity(step: Step): Step {
  return step.is === 'failed' && step.reason === 'DeviceTokenNotForTopic' ? { is: 'gone', reason: step.reason } : step;
}

/** Whether nobody needs a push to a live activity any more: that is gone, or has a newer one. */
export function needlessFor(activity: ActivityRow | undefined, push: PushRow): string | null {
  if (!activity) return 'gone';
  return activity.push_num === push.num ? null : 'replaced';
}

/**
 * Keeps how a push to a live activity ended, inside a transaction of the caller's. What becomes of an activity says nothing of its
 * device: that stays as it is.
 */
export function keepActivity(
  store: Store,
  { activity, push, deliveryNum }: { activity: ActivityRow; push: PushRow; deliveryNum: number },
  step: Extract<Step, { is: 'delivered' | 'failed' | 'gone' }>,
  { status, now }: { status: number | null; now: number },
): PushOutcome {
  const outcome = step.is === 'delivered' ? 'delivered' : 'failed';
  store.deliveries.finish(deliveryNum, outcome, status, step.is === 'delivered' ? null : step.reason, now);
  const current = store.activities.byNum(activity.num);
  const isOver = step.is === 'gone' ? current?.token === activity.token : push.kind === END && current?.push_num === push.num;
  if (isOver) store.activities.remove(activity.num);
  return outcome;
}
