import { describe, expect, it } from 'vitest';
import { backoffMs, retryAfterMs, stepAfter, type Answer } from '../../server/push/apns/retry.ts';

const now = Date.parse('2026-03-01T08:00:00Z');
const after = (change: Partial<Answer>, { attempts = 1, lastReason = 'x', registeredAt = 0, random = 0.5 } = {}) =>
  stepAfter(
    { status: 500, reason: 'x', timestamp: null, retryAfter: null, ...change },
    { attempts, lastReason, registeredAt, now, random },
  );

describe('what follows from an answer', () => {
  it('[PU16] each try waits about twice as long as the one before, half of it by chance, 10 minutes at most', () => {
    expect([1, 2, 3, 4].map((attempts) => backoffMs(attempts, 1))).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect([1, 2, 3, 4].map((attempts) => backoffMs(attempts, 0))).toEqual([500, 1_000, 2_000, 4_000]);
    expect(backoffMs(1_000, 1)).toBe(600_000);
  });

  it('[PU11] Retry-After is seconds or a date, and never more than six hours', () => {
    expect(retryAfterMs('5', now)).toBe(5_000);
    expect(retryAfterMs('0.5', now)).toBe(500);
    expect(retryAfterMs(new Date(now + 90_000).toUTCString(), now)).toBe(90_000);
    expect(retryAfterMs(new Date(now - 90_000).toUTCString(), now)).toBe(0);
    expect(retryAfterMs('99999999', now)).toBe(6 * 3_600_000);
    for (const header of [null, '', 'soon', '-5x']) expect(retryAfterMs(header, now)).toBeNull();
  });

  it('[PU11] nothing is tried before the time that was told', () => {
    for (const random of [0, 0.5, 1]) {
      const step = after({ status: 429, reason: 'TooManyRequests', retryAfter: '60' }, { random });
      expect(step).toMatchObject({ is: 'retry', holds: 'device' });
      expect(step.is === 'retry' && step.afterMs).toBeGreaterThanOrEqual(60_000);
    }
    expect(after({ status: 503, retryAfter: '60' })).toMatchObject({ is: 'retry', holds: 'all' });
  });

  it('[PU11] to be told to come back at once, or at a time that has passed, is no reason to hammer', () => {
    for (const retryAfter of ['0', new Date(now - 90_000).toUTCString()]) {
      for (const attempts of [1, 5]) {
        const step = after({ status: 429, reason: 'TooManyRequests', retryAfter }, { attempts });
        expect(step.is === 'retry' && step.afterMs).toBe(backoffMs(attempts, 0.5));
      }
    }
  });

  it('[PU10] only what says that a token is no more unregisters it', () => {
    expect(after({ status: 410, reason: 'Unregistered', timestamp: 2_000 }, { registeredAt: 1_000 })).toMatchObject({ is: 'gone' });
    expect(after({ status: 410, reason: 'Unregistered', timestamp: 1_000 }, { registeredAt: 2_000 })).toMatchObject({ is: 'failed' });
    expect(after({ status: 400, reason: 'BadDeviceToken' })).toMatchObject({ is: 'gone' });
    for (const reason of ['DeviceTokenNotForTopic', 'PayloadTooLarge', 'BadTopic', 'TopicDisallowed', 'SomethingNew']) {
      expect(after({ status: 400, reason })).toEqual({ is: 'failed', reason });
    }
  });

  it('[PU16] a key for the other one of Apple’s services loses no push, and holds up no device of its own service', () => {
    const step = after({ status: 403, reason: 'BadEnvironmentKeyIdInToken' });
    expect(step).toMatchObject({ is: 'retry', holds: 'device' });
    expect(step.is === 'retry' && step.afterMs).toBeGreaterThanOrEqual(30_000);
  });

  it('[PU16] a wrong key loses no push: all wait, and are tried again', () => {
    for (const reason of ['InvalidProviderToken', 'MissingProviderToken', 'UnrelatedKeyIdInToken', 'TooManyProviderTokenUpdates']) {
      const step = after({ status: reason.startsWith('Too') ? 429 : 403, reason });
      expect(step).toMatchObject({ is: 'retry', holds: 'all', reason });
      expect(step.is === 'retry' && step.afterMs).toBeGreaterThanOrEqual(30_000);
    }
  });
});
