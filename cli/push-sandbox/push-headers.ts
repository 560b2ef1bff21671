import type { IncomingHttpHeaders } from 'node:http2';
import { refuse, type Refusal } from './reasons.ts';

/** What the headers of a push say, with Apple's defaults. */
export interface PushHeaders {
  topic: string;
  pushType: string;
  priority: number;
  /** Seconds since 1970; null where the header is missing. */
  expiration: number | null;
  collapseId: string | null;
}

/** Every push type, with what its topic has at its end beside the app's bundle id. */
const pushTypes: ReadonlyMap<string, string> = new Map([
  ['alert', ''],
  ['background', ''],
  ['controls', ''],
  ['mdm', ''],
  ['location', '.location-query'],
  ['voip', '.voip'],
  ['complication', '.complication'],
  ['fileprovider', '.pushkit.fileprovider'],
  ['liveactivity', '.push-type.liveactivity'],
  ['pushtotalk', '.voip-ptt'],
  ['widgets', '.push-type.widgets'],
]);

const MOST_COLLAPSE_BYTES = 64;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** One header; Node joins those that came twice, which is a refusal of its own. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Whether a text is the canonical form of an apns-id. */
export const isApnsId = (text: string): boolean => UUID.test(text);

/** The app's own bundle id in a topic. */
export function bundleIdOf(headers: PushHeaders): string {
  const suffix = pushTypes.get(headers.pushType) ?? '';
  return suffix !== '' && headers.topic.endsWith(suffix) ? headers.topic.slice(0, -suffix.length) : headers.topic;
}

function duplicateOf(rawHeaders: readonly string[]): string | undefined {
  const names = rawHeaders.filter((name, index) => index % 2 === 0 && (name.startsWith('apns-') || name === 'authorization'));
  return names.find((name, index) => names.indexOf(name) !== index);
}

/** Reads the headers of a push by Apple's rules. `rawHeaders`: names and values by turns, as they came. */
export function readHeaders(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): PushHeaders | Refusal {
  const twice = duplicateOf(rawHeaders);
  if (twice !== undefined) return refuse('DuplicateHeaders', `${twice} came more than once.`);
  const id = headerOf(headers, 'apns-id');
  if (id !== undefined && !isApnsId(id)) return refuse('BadMessageId', 'apns-id is no UUID of the form 8-4-4-4-12.');
  const topic = headerOf(headers, 'apns-topic') ?? '';
  if (topic === '') return refuse('MissingTopic', 'There is no apns-topic header.');
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,250}$/.test(topic)) return refuse('BadTopic', 'apns-topic is no bundle id.');
  const pushType = headerOf(headers, 'apns-push-type') ?? 'alert';
  const suffix = pushTypes.get(pushType);
  if (suffix === undefined) return refuse('InvalidPushType', `There is no push type ${JSON.stringify(pushType)}.`);
  if (!topic.endsWith(suffix)) return refuse('BadTopic', `The topic of a ${pushType} push ends with ${suffix}.`);
  const priority = headerOf(headers, 'apns-priority') ?? '10';
  if (!['1', '5', '10'].includes(priority)) return refuse('BadPriority', 'apns-priority is not 10, 5 or 1.');
  if (pushType === 'background' && priority !== '5') return refuse('BadPriority', 'A background push has priority 5.');
  const expiration = headerOf(headers, 'apns-expiration');
  if (expiration !== undefined && !/^\d{1,12}$/.test(expiration)) {
    return refuse('BadExpirationDate', 'apns-expiration is not a number of seconds since 1970.');
  }
  const collapseId = headerOf(headers, 'apns-collapse-id') ?? null;
  if (collapseId !== null && Buffer.byteLength(collapseId) > MOST_COLLAPSE_BYTES) {
    return refuse('BadCollapseId', `apns-collapse-id has ${Buffer.byteLength(collapseId)} bytes; ${MOST_COLLAPSE_BYTES} is the most.`);
  }
  return { topic, pushType, priority: Number(priority), expiration: expiration === undefined ? null : Number(expiration), collapseId };
}
