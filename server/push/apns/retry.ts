/** What the push service said, or that it said nothing (`status` null: broken connection, no connection, no answer in time). */
export interface Answer {
  status: number | null;
  /** Apple's reason, or why there was no answer. */
  reason: string;
  /** Milliseconds since 1970: since when a token is known to be gone. */
  timestamp: number | null;
  /** The header as it came: seconds, or a date. */
  retryAfter: string | null;
}

/** That there was none, and why. */
export const noAnswer = (reason: string): Answer => ({ status: null, reason, timestamp: null, retryAfter: null });

/** What to do after an answer. `all`: everything waits, not only this push. `device`: everything for this token does, be it a device's or a live activity's. */
export type Step =
  | { is: 'delivered' }
  | { is: 'gone'; reason: string }
  | { is: 'failed'; reason: string }
  | { is: 'renew-token' }
  | { is: 'retry'; afterMs: number; holds: 'push' | 'device' | 'all'; reason: string };

const BASE_MS = 1_000;
const MOST_MS = 600_000;
const LEAST_RETRY_AFTER_MS = 1_000;
const MOST_RETRY_AFTER_MS = 6 * 3_600_000;

/** Milliseconds until the next try after so many: doubling, half of it by chance, 10 minutes at most. `random`: 0 to 1. */
export function backoffMs(attempts: number, random: number): number {
  const whole = Math.min(MOST_MS, BASE_MS * 2 ** Math.min(attempts - 1, 20));
  return Math.round(whole / 2 + (whole / 2) * random);
}

/** What `Retry-After` asks for in milliseconds from now; null where it says nothing that can be read. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null) return null;
  const milliseconds = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(milliseconds) ? null : Math.min(MOST_RETRY_AFTER_MS, Math.max(0, Math.ceil(milliseconds)));
}

/** The reason of an answer that is a refused stream. */
export const REFUSED = 'StreamRefused';

/** Ours to mend: a key or a topic that is wrong is wrong for every push. */
const SETTINGS = new Set([
  'InvalidProviderToken',
  'MissingProviderToken',
  'UnrelatedKeyIdInToken',
  'BadCertificate',
  'BadCertificateEnvironment',
  'Forbidden',
]);

/** What else counts for what is to be done after an answer. */
export interface Tried {
  attempts: number;
  /** Of the answer before this one. */
  lastReason: string | null;
  /** When the device registered, in milliseconds since 1970. */
  registeredAt: number;
  now: number;
  /** 0 to 1. */
  random: number;
}

/** What an answer means for a push that was tried so often. Pure. */
export function stepAfter(answer: Answer, { attempts, lastReason, registeredAt, now, random }: Tried): Step {
  const { status, reason } = answer;
  const asked = retryAfterMs(answer.retryAfter, now);
  // A little later than it asks for, and never all at once.
  const told = asked === null ? 0 : asked + Math.round(random * Math.min(1_000, asked / 10));
  // "At once", or a date that by our clock has passed, must not become as many tries as the line takes.
  const wait = asked === null || asked < LEAST_RETRY_AFTER_MS ? Math.max(told, backoffMs(attempts, random)) : told;
  if (status === null) {
    // The service promises not to have looked at it, for instance since it came behind a GOAWAY.
    if (reason === REFUSED && attempts <= 5) return { is: 'retry', afterMs: Math.round(50 + 100 * random), holds: 'push', reason };
    return { is: 'retry', afterMs: wait, holds: 'all', reason };
  }
  if (status === 200) return { is: 'delivered' };
  if (status === 410) {
    // An app that registered again after that is not meant.
    const isOld = answer.timestamp !== null && answer.timestamp <= registeredAt;
    return isOld ? { is: 'failed', reason } : { is: 'gone', reason };
  }
  if (reason === 'BadDeviceToken') return { is: 'gone', reason };
  // The sender has made another token. Where that is refused, too, something else is wrong, such as this machine's clock.
  const isStillOld = reason === 'ExpiredProviderToken' && lastReason === reason;
  if (reason === 'ExpiredProviderToken' && !isStillOld) return { is: 'renew-token' };
  if (isStillOld || SETTINGS.has(reason) || reason === 'TooManyProviderTokenUpdates') {
    return { is: 'retry', afterMs: Math.max(wait, 30_000), holds: 'all', reason };
  }
  // The key is for Apple's other service: devices of that one go on.
  if (reason === 'BadEnvironmentKeyIdInToken') return { is: 'retry', afterMs: Math.max(wait, 30_000), holds: 'device', reason };
  if (status === 429) return { is: 'retry', afterMs: wait, holds: 'device', reason };
  if (status >= 500) return { is: 'retry', afterMs: wait, holds: asked === null ? 'push' : 'all', reason };
  return { is: 'failed', reason };
}
