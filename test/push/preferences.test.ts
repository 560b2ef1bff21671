import { describe, expect, it } from 'vitest';
import { eventData } from '../../server/contracts/events.ts';
import type { EventKind } from '../../server/contracts/events.ts';
import {
  audienceOf,
  listener,
  silenceOf,
  weightOf,
  type Listener,
  type Preferences,
  type Weight,
} from '../../server/push/devices/preferences.ts';
import type { DeviceRow } from '../../server/storage/devices-table.ts';

const now = Date.parse('2026-01-15T12:00:00Z');
const news: Weight = { is: 'news' };
const failure: Weight = { is: 'needs-me', timeSensitive: false };
const approval: Weight = { is: 'needs-me', timeSensitive: true };

const device = (id: string, preferences: Partial<Preferences> = {}): DeviceRow => ({
  ...{ num: id.charCodeAt(0), id, owner: 'owner', token: 'ab'.repeat(32), platform: 'ios', environment: 'sandbox', topic: null },
  ...{ app_version: null, name: id, state: 'active', last_result: null, last_result_at: null, last_delivered_at: null },
  ...{ failures: 0, created_at: 0, registered_at: 0, preferences: JSON.stringify(preferences) },
});
const with_ = (preferences: Partial<Preferences>, session?: { level?: string; muted_until?: number }): Listener =>
  listener(device('a', preferences), session && { level: session.level ?? null, muted_until: session.muted_until ?? null });
const silences = (each: Listener): (string | null)[] => [news, failure, approval].map((weight) => silenceOf(each, weight, now));

describe('preferences', () => {
  it('[DV10] approvals, questions and failures need somebody; the rest is news', () => {
    const kinds = Object.values(eventData).flatMap((table) => Object.keys(table) as EventKind[]);
    const needs = kinds.filter((kind) => weightOf(kind).is === 'needs-me');
    expect(needs.sort()).toEqual(['approval.requested', 'question.asked', 'session.failed', 'turn.failed', 'turn.interrupted']);
    expect(needs.filter((kind) => JSON.stringify(weightOf(kind)).includes('true'))).toEqual(['approval.requested', 'question.asked']);
  });

  it('[DV11] a level lets all through, what needs somebody, or nothing', () => {
    expect(silences(with_({}))).toEqual([null, null, null]);
    expect(silences(with_({ level: 'needs-me' }))).toEqual(['level', null, null]);
    expect(silences(with_({ level: 'none' }))).toEqual(['level', 'level', 'level']);
  });

  it('[DV12] what a device wants of a session goes before what it wants of all, in both directions', () => {
    expect(silences(with_({ level: 'none' }, { level: 'needs-me' }))).toEqual(['level', null, null]);
    expect(silences(with_({ level: 'all' }, { level: 'none' }))).toEqual(['level', 'level', 'level']);
    expect(silences(with_({ level: 'needs-me' }, { muted_until: now - 1 }))).toEqual(['level', null, null]);
  });

  it('[DV13] a muted device or session is silent until then, and no longer', () => {
    expect(silences(with_({ mutedUntil: now + 1 }))).toEqual(['muted', 'muted', 'muted']);
    expect(silences(with_({}, { muted_until: now + 1 }))).toEqual(['muted', 'muted', 'muted']);
    expect(silences(with_({ mutedUntil: now }, { muted_until: now }))).toEqual([null, null, null]);
  });

  it('[DV14] quiet hours let approvals and questions through where their flag says so', () => {
    const hours = { from: '11:00', to: '13:00', timeZone: 'UTC' };
    expect(silences(with_({ quietHours: { ...hours, allowTimeSensitive: true } }))).toEqual(['quiet-hours', 'quiet-hours', null]);
    expect(silences(with_({ quietHours: { ...hours, allowTimeSensitive: false } }))).toEqual(['quiet-hours', 'quiet-hours', 'quiet-hours']);
    expect(silences(with_({ quietHours: { ...hours, to: '11:30', allowTimeSensitive: false } }))).toEqual([null, null, null]);
  });

  it('[DV15] a device that the push service no longer knows is left out, whatever it wants', () => {
    expect(silenceOf(listener({ ...device('a'), state: 'unregistered' }), approval, now)).toBe('unregistered');
  });

  it('[DV16] only a device that shows the session is spared for that, and each that is left out is told with its reason', () => {
    const all = [listener(device('a')), listener(device('b')), listener(device('c', { level: 'none' }))];
    const { told, left } = audienceOf(approval, all, new Set(['b', 'c', 'z']), now);
    expect(told.map(({ id }) => id)).toEqual(['a']);
    expect(left.map(({ device: { id }, why }) => [id, why])).toEqual([
      ['b', 'foreground'],
      ['c', 'level'],
    ]);
  });
});
