import type { PushHeaders } from './push-headers.ts';
import { refuse, type Refusal } from './reasons.ts';

export type JsonObject = Record<string, unknown>;

const MOST_BYTES = 4_096;
const MOST_VOIP_BYTES = 5_120;

/** The largest payload of a push type, in bytes. */
const limitOf = (pushType: string): number => (pushType === 'voip' ? MOST_VOIP_BYTES : MOST_BYTES);

/** A JSON object, or undefined for anything else. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** A payload's text as an object, or undefined where it is none. */
export function parsePayload(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Whether it asks for nothing that its owner would notice. */
export function isSilent(payload: JsonObject): boolean {
  const aps = asObject(payload['aps']) ?? {};
  return aps['content-available'] === 1 && ['alert', 'badge', 'sound'].every((name) => aps[name] === undefined);
}

/** Looks at a payload by Apple's rules; null where there is nothing wrong. */
export function checkPayload(body: Buffer, headers: PushHeaders): Refusal | null {
  if (body.length === 0) return refuse('PayloadEmpty', 'There is no body.');
  const limit = limitOf(headers.pushType);
  if (body.length > limit) return refuse('PayloadTooLarge', `The payload has more than ${limit} bytes.`);
  const payload = parsePayload(body.toString('utf8'));
  // Apple documents no reason for this; it is the nearest, and better than a push that no phone can read.
  if (payload === undefined) return refuse('PayloadEmpty', 'The body is not a JSON object.');
  if (headers.priority === 10 && headers.pushType === 'alert' && isSilent(payload)) {
    return refuse('BadPriority', 'A push with content-available and nothing to show may not have priority 10.');
  }
  return null;
}
