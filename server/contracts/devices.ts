import { z } from 'zod';
import { pageLimit, queryNumber } from './fields.ts';
import { SessionId, Time } from './ids.ts';

/** Entries of a list in one request. */
const MOST_SESSIONS = 100;
const MOST_RECEIPTS = 500;

/** A push service's token, in hex as the system hands it to an app; kept in lower case. Never in an answer. */
export const DeviceToken = z
  .string()
  .regex(/^[0-9a-f]{64,200}$/i, 'must be the token in hexadecimal, 64 to 200 digits')
  .toLowerCase();

const Platform = z.enum(['ios', 'macos']);
const Environment = z.enum(['sandbox', 'production']);
const Name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine((name) => !/\p{Cc}/u.test(name), 'must not contain control characters');
const AppVersion = z.string().regex(/^[\x20-\x7e]{1,100}$/, 'must be 1 to 100 printable ASCII characters');
const Topic = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,199}$/, 'must be a bundle id such as com.example.app');
const Level = z.enum(['all', 'needs-me', 'none']);

const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:30');
const TimeZone = z.string().max(100).refine(isTimeZone, 'must be the IANA name of a time zone, such as Europe/Berlin');

/** Whether Intl knows a zone by this name. It knows offsets such as +02:00 too, but those have no summer time. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const QuietHours = z
  .object({
    from: TimeOfDay,
    to: TimeOfDay,
    timeZone: TimeZone,
    allowTimeSensitive: z.boolean().default(true).describe('approvals and questions come through'),
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], error: 'must differ from `from`' });

const SessionWish = z.object({ level: Level.nullish(), mutedUntil: Time.nullish() });

/** A device that wants pushes. The same token again brings its row up to date. Without `environment`, that of the server's own setting. */
export const RegisterDevice = z.object({
  token: DeviceToken,
  platform: Platform,
  environment: Environment.nullish(),
  topic: Topic.nullish(),
  appVersion: AppVersion.nullish(),
  name: Name.nullish(),
});
export type RegisterDevice = z.output<typeof RegisterDevice>;

const kinds = { ios: 'ios', iphone: 'ios', ipad: 'ios', ipados: 'ios', macos: 'macos', mac: 'macos', osx: 'macos' } as const;
/** What the published app sends. */
export const RegisterDeviceToken = z.object({
  deviceToken: DeviceToken,
  deviceType: z
    .string()
    .trim()
    .toLowerCase()
    .pipe(z.enum(Object.keys(kinds) as [keyof typeof kinds, ...(keyof typeof kinds)[]]))
    .transform((kind) => kinds[kind])
    .nullish(),
  appVersion: AppVersion.nullish(),
});
export type RegisterDeviceToken = z.output<typeof RegisterDeviceToken>;

const PatchPreferences = z.object({
  level: Level.optional(),
  mutedUntil: Time.nullable().optional(),
  quietHours: QuietHours.nullable().optional(),
  sessions: z
    .record(SessionId, SessionWish.nullable(), { error: 'must be an object with ids of sessions as its names' })
    .refine((sessions) => Object.keys(sessions).length <= MOST_SESSIONS, `must have at most ${MOST_SESSIONS} sessions`)
    .optional(),
});
/** What can be changed about a device. Members that are left out stay as they are; null takes a wish back. */
export const PatchDevice = z
  .object({ name: Name.optional(), environment: Environment.optional(), preferences: PatchPreferences.optional() })
  .refine((patch) => Object.values(patch).some((member) => member !== undefined), {
    error: 'needs at least one of name, environment, preferences',
  });
export type PatchDevice = z.output<typeof PatchDevice>;

/** What a device got and what its owner opened. Without a time: now. */
export const Receipts = z.object({
  pushes: z
    .array(z.object({ id: z.string().min(1).max(200), receivedAt: Time.nullish(), openedAt: Time.nullish() }))
    .min(1)
    .max(MOST_RECEIPTS),
});
export type Receipts = z.output<typeof Receipts>;

/** Which devices to list, the latest first. `before` is the `nextBefore` of the page before. */
export const DevicesQuery = z.object({
  limit: queryNumber(1, 1000).default(100),
  before: queryNumber(1, Number.MAX_SAFE_INTEGER).optional(),
});
export type DevicesQuery = z.output<typeof DevicesQuery>;

/** Which part of a device's delivery log to list, the latest first. `before` is the `nextBefore` of the page before. */
export const DeliveriesQuery = z.object({ before: queryNumber(1, Number.MAX_SAFE_INTEGER).optional(), limit: pageLimit(50) });
export type DeliveriesQuery = z.output<typeof DeliveriesQuery>;

const Success = z.literal(true);

/** One device, what it wants, and how its pushes fare. */
export const DeviceView = z.object({
  id: z.uuid(),
  name: z.string(),
  platform: Platform,
  environment: Environment,
  topic: z.string().nullable().describe("the app's bundle id; null: APNS_TOPIC"),
  appVersion: z.string().nullable(),
  token: z.string().describe('its last four digits'),
  state: z.enum(['active', 'unregistered']).describe('unregistered: the push service said that the token is no more'),
  health: z.object({
    lastResult: z.string().nullable().describe("delivered, or the push service's reason of the last refusal"),
    lastResultAt: Time.nullable(),
    lastDeliveredAt: Time.nullable(),
    failures: z.number().int().min(0).describe('refusals since the last delivery'),
  }),
  preferences: z.object({
    level: Level,
    mutedUntil: Time.nullable(),
    quietHours: z.object({ from: z.string(), to: z.string(), timeZone: z.string(), allowTimeSensitive: z.boolean() }).nullable(),
    sessions: z.record(z.string(), z.object({ level: Level.nullable(), mutedUntil: Time.nullable() })),
  }),
  showing: z.uuid().nullable().describe('the session that it proved to show within the last 15 seconds'),
  createdAt: Time,
  registeredAt: Time,
});
export type DeviceView = z.output<typeof DeviceView>;

export const DevicesPage = z.object({ devices: z.array(DeviceView), nextBefore: z.string().nullable() });
export type DevicesPage = z.output<typeof DevicesPage>;

/** One push to a device, and what became of it. */
export const DeliveryView = z.object({
  pushId: z.string().describe('as the payload carries it'),
  apnsId: z.uuid().describe('the same at every attempt'),
  kind: z.string().describe('the kind of the event, `test`, or `sync` for a silent one'),
  sessionId: z.uuid().nullable(),
  silent: z.boolean(),
  state: z
    .enum(['queued', 'sending', 'delivered', 'failed', 'expired', 'dropped'])
    .describe('delivered: the push service took it; dropped: nobody needed it any more, or there was no room'),
  attempts: z.number().int().min(0),
  status: z.number().int().nullable().describe('HTTP status of the last answer'),
  reason: z.string().nullable().describe("the push service's, or why there was no answer, or why it was not sent"),
  createdAt: Time,
  nextAttemptAt: Time.nullable().describe('of what is queued'),
  finishedAt: Time.nullable(),
  receivedAt: Time.nullable().describe('when the device says that it came'),
  openedAt: Time.nullable(),
});
export type DeliveryView = z.output<typeof DeliveryView>;

export const DeliveriesPage = z.object({ deliveries: z.array(DeliveryView), nextBefore: z.string().nullable() });
export type DeliveriesPage = z.output<typeof DeliveriesPage>;

export const DeviceRemoved = z.object({ success: Success, id: z.uuid() });
export const DeviceTokenRegistered = z.object({ success: Success, message: z.string().optional() });
export const TestPushed = z.object({ success: Success, id: z.uuid(), pushId: z.string() });
export const ReceiptsTaken = z.object({
  success: Success,
  recorded: z.number().int().min(0),
  unknown: z.number().int().min(0).describe('ids of no push to this device, or of one that is no longer kept'),
});
