import type { ActivityContent } from '../../contracts/activities.ts';
import { relevanceOf, type ActivityStep } from './rules.ts';
import { seconds } from './content.ts';

/** The JSON of an ActivityKit push, below 4,096 bytes. `stamp`: seconds since 1970, greater than that of every one before. */
export function activityPayload(
  step: Exclude<ActivityStep, { is: 'same' }>,
  content: ActivityContent,
  { stamp, alerts }: { stamp: number; alerts: boolean },
): string {
  const shared = { timestamp: stamp, 'content-state': content };
  if (step.is === 'end') return JSON.stringify({ aps: { ...shared, event: 'end', 'dismissal-date': seconds(step.dismissAt) } });
  const aps = {
    ...shared,
    event: 'update',
    'stale-date': seconds(step.staleAt),
    'relevance-score': relevanceOf(content),
    ...(alerts && step.urgent && content.needs !== null ? { alert: alertOf(content, content.needs) } : {}),
  };
  return JSON.stringify({ aps });
}

function alertOf({ title }: ActivityContent, { kind, title: body }: NonNullable<ActivityContent['needs']>): Record<string, string> {
  return { title: `${title}: ${kind === 'approval' ? 'needs your approval' : 'asks you'}`, body, sound: 'default' };
}
