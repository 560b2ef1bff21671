import { z } from 'zod';
import { RiskLevel } from './events.ts';
import { SessionId, Time } from './ids.ts';

/** A live activity's token, in hex. Apple says that its length is nobody's to know; the bound is only one. */
const ActivityToken = z
  .string()
  .regex(/^(?:[0-9a-f]{2}){1,512}$/i, 'must be the token in hexadecimal, two digits a byte, 1,024 at most')
  .toLowerCase();
const AppId = z.string().regex(/^[\x20-\x7e]{1,100}$/, 'must be 1 to 100 printable ASCII characters');
const Seconds = z.number().int().describe('seconds since 1970');

/** A live activity of one session on this device. The same session again takes its place, also with another token. */
export const RegisterActivity = z.object({
  sessionId: SessionId,
  token: ActivityToken,
  activityId: AppId.nullish().describe("ActivityKit's id of it"),
  alerts: z.boolean().nullish().describe('it alerts by itself when something needs its owner, beside the ordinary push'),
});
export type RegisterActivity = z.output<typeof RegisterActivity>;

/** What a live activity shows: the `content-state` of its pushes. Times are seconds since 1970, texts have no secrets. */
export const ActivityContent = z.object({
  state: z.enum(['idle', 'starting', 'working', 'waiting', 'paused', 'failed', 'ended']),
  title: z.string().describe("the session's name"),
  turn: z
    .object({
      id: z.string(),
      state: z.enum(['running', 'completed', 'failed', 'cancelled', 'interrupted']),
      startedAt: Seconds,
      endedAt: Seconds.nullable(),
      text: z.string().nullable().describe('the beginning of the answer, or why there is none'),
    })
    .nullable(),
  needs: z
    .object({
      kind: z.enum(['approval', 'question']),
      id: z.string(),
      title: z.string(),
      risk: RiskLevel.nullable(),
      expiresAt: Seconds.nullable(),
      more: z.number().int().min(0).describe('others that wait, too'),
    })
    .nullable()
    .describe('what waits for the owner'),
  headSeq: z.number().int().describe('newest `seq` of the session'),
});
export type ActivityContent = z.output<typeof ActivityContent>;

/** A live activity that is kept up to date. */
export const ActivityView = z.object({
  id: z.uuid(),
  sessionId: z.uuid(),
  activityId: z.string().nullable(),
  token: z.string().describe('its last four digits'),
  alerts: z.boolean(),
  content: ActivityContent.describe('what it is told to show'),
  createdAt: Time,
  registeredAt: Time,
  endsAt: Time.describe('eight hours after its beginning, as iOS ends it'),
});
export type ActivityView = z.output<typeof ActivityView>;

export const ActivitiesView = z.object({ activities: z.array(ActivityView) });
export type ActivitiesView = z.output<typeof ActivitiesView>;

export const ActivityRemoved = z.object({ success: z.literal(true), id: z.uuid() });
