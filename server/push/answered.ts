import type { PushOutcome } from '../contracts/metrics-views.ts';
import type { ActivityRow } from '../storage/activities-table.ts';
import type { DueDelivery } from '../storage/deliveries-table.ts';
import type { PushTarget } from '../storage/devices-table.ts';
import type { PushRow } from '../storage/outbox-table.ts';
import type { Store } from '../storage/store.ts';
import { keepActivity } from './activities/answer.ts';
import type { Answer, Step } from './apns/retry.ts';

/** A push to one device. */
export interface Job {
  row: DueDelivery;
  push: PushRow;
  device: PushTarget;
  /** Where it goes to a live activity on the device, and not to the device itself. */
  activity: ActivityRow | undefined;
}

/** A push with what became of it. */
export interface Answered {
  job: Job;
  answer: Answer;
  step: Step;
  at: number;
}

/** Keeps one in the store, inside a transaction of the caller's. `hold` puts off everything for a device's own token until a time. */
export function keepAnswer(store: Store, answered: Answered, hold: (deviceNum: number, until: number) => void): PushOutcome | null {
  const { job, answer, step, at: now } = answered;
  const { row, push, device, activity } = job;
  const { deliveries, devices } = store;
  const { status } = answer;
  // Its device or its session was removed meanwhile.
  if (!deliveries.isStill(row.num, row.apns_id)) return null;
  if (activity && (step.is === 'delivered' || step.is === 'failed' || step.is === 'gone'))
    return keepActivity(store, { activity, push, deliveryNum: row.num }, step, { status, now });
  switch (step.is) {
    case 'delivered':
      deliveries.finish(row.num, 'delivered', status, null, now);
      devices.recordResult(device.num, { result: 'delivered', at: now });
      return 'delivered';
    case 'failed':
      deliveries.finish(row.num, 'failed', status, step.reason, now);
      devices.recordResult(device.num, { result: step.reason, at: now });
      return 'failed';
    case 'gone': {
      deliveries.finish(row.num, 'failed', status, step.reason, now);
      // It may have registered again while this one was under way.
      const gone = devices.byNum(device.num)?.registered_at === device.registered_at;
      devices.recordResult(device.num, { result: step.reason, at: now, gone });
      if (gone) deliveries.forget(device.num, 'unregistered', now);
      if (gone) store.activities.removeOfDevice(device.num);
      return 'failed';
    }
    case 'renew-token':
      deliveries.retry(row.num, now, status, answer.reason);
      return null;
    case 'retry':
      deliveries.retry(row.num, now + step.afterMs, status, step.reason);
      if (step.holds === 'device' && !activity) hold(device.num, now + step.afterMs);
      if (step.holds === 'device' && activity) store.activities.update(activity.num, { hold_until: now + step.afterMs });
      if (status !== null && !activity) devices.recordResult(device.num, { result: step.reason, at: now });
      return null;
  }
}
