import { maskSecrets } from './mask.ts';
import type { Notification } from './notification.ts';
import { shownText } from './shown-text.ts';

/** Apple's limit for the whole payload, in bytes. */
const MOST_PAYLOAD_BYTES = 4_096;
const MOST_TITLE = 160;
const MOST_BODY = 480;
const MOST_PREVIEW = 1_600;
const MOST_FIELD = 600;

type Payload = Record<string, unknown>;

/**
 * The JSON of a visible push, at most 4,096 bytes: `message` whole where it fits with everything else, else `requiresFetch` and a
 * `preview`. No text in it holds what looks like a secret.
 */
export function alertPayload(notification: Notification, pushId: string): string {
  const { title, subtitle, body, category, level, relevance, fields, text } = notification;
  const aps = {
    alert: {
      title: shownText(title, MOST_TITLE),
      ...(subtitle === undefined ? {} : { subtitle: shownText(subtitle, MOST_TITLE) }),
      body: shownText(body, MOST_BODY),
    },
    ...(level === 'passive' ? {} : { sound: 'default' }),
    ...(category === undefined ? {} : { category }),
    ...(typeof fields['sessionId'] === 'string' ? { 'thread-id': fields['sessionId'] } : {}),
    'interruption-level': level,
    'relevance-score': relevance,
    'mutable-content': 1,
  };
  const base = fitted({ aps, pushId, ...maskedFields(fields) });
  if (text === undefined) return JSON.stringify(base);
  const whole = text.length > MOST_PAYLOAD_BYTES ? null : JSON.stringify({ ...base, message: maskSecrets(text) });
  if (whole !== null && Buffer.byteLength(whole) <= MOST_PAYLOAD_BYTES) return whole;
  const fetching = { ...base, requiresFetch: true };
  const room = MOST_PAYLOAD_BYTES - Buffer.byteLength(JSON.stringify({ ...fetching, preview: '' }));
  return JSON.stringify({ ...fetching, preview: shownText(text, Math.min(room, MOST_PREVIEW)) });
}

/** The JSON of a push that shows nothing: the app looks what is new in this session. */
export function silentPayload(sessionId: string, headSeq: number, pushId: string): string {
  return JSON.stringify({ aps: { 'content-available': 1 }, pushId, sessionId, headSeq });
}

/** What may be shown is masked and cut; a path and a hash are for programs, and of use only as they are. */
function maskedFields(fields: Payload): Payload {
  const { projectPath, inputHash, ...rest } = fields;
  const kept = { ...(projectPath === undefined ? {} : { projectPath }), ...(inputHash === undefined ? {} : { inputHash }) };
  return { ...kept, ...(maskedValue(rest) as Payload) };
}

function maskedValue(value: unknown): unknown {
  if (typeof value === 'string') return shownText(value, MOST_FIELD);
  if (Array.isArray(value)) return value.map(maskedValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, maskedValue(member)]));
}

/** Members that an app can do without, in the order in which they go. */
const EXTRAS = ['options', 'choices', 'tool', 'projectPath'] as const;
/** Room for a preview of some use. */
const RESERVE = 256;

function fitted(payload: Payload): Payload {
  const left = { ...payload };
  for (const name of EXTRAS) {
    if (Buffer.byteLength(JSON.stringify(left)) <= MOST_PAYLOAD_BYTES - RESERVE) break;
    if (left[name] === undefined) continue;
    left[name] = undefined;
    left['requiresFetch'] = true;
  }
  return left;
}
