import { describe, expect, it } from 'vitest';
import { ActivityContent } from '../../server/contracts/activities.ts';
import { SessionState, TurnState, type SessionState as State } from '../../server/contracts/state.ts';
import { stepOfActivity } from '../../server/push/activities/answer.ts';
import { contentOf, type ActivityFacts, type Asked } from '../../server/push/activities/content.ts';
import { activityPayload } from '../../server/push/activities/payload.ts';
import {
  AFTERLIFE_MS,
  APART_MS,
  endOf,
  IDLE_MS,
  LIFE_MS,
  LINGER_MS,
  lastContent,
  SETTLE_MS,
  STALE_MS,
  stepOf,
  timingOf,
  URGENT_PER_HOUR,
} from '../../server/push/activities/rules.ts';

const now = Date.parse('2026-03-01T08:00:00Z');
const MINUTE = 60_000;

const turn = (state: TurnState, text: string | null = null): ActivityFacts['turn'] => ({
  ...{ id: 'turn-1', state, startedAt: now - 5_000, endedAt: text === null ? null : now, text },
});
const approval = (change: Partial<Asked> = {}): Asked =>
  ({ kind: 'approval', id: 'ask-1', title: 'Remove it?', risk: 'elevated', expiresAt: now + 10 * MINUTE, ...change }) as Asked;
const facts = (change: Partial<ActivityFacts> = {}): ActivityFacts => ({
  ...{ state: 'ready', name: 'A project', headSeq: 7, turn: null, asked: [] },
  ...change,
});
const content = (change: Partial<ActivityFacts> = {}): ActivityContent => contentOf(facts(change));
const seen = (shown: ActivityContent | null, age = MINUTE) => ({ content: shown, changedAt: now - age, createdAt: now - age });

const idle = content({ turn: turn('completed', 'Done.') });
const working = content({ state: 'working', turn: turn('running') });
const waiting = content({ state: 'waiting', turn: turn('waiting'), asked: [approval()] });

describe('what a live activity shows', () => {
  it('[LA5] a session by its turns: what its process does without one is idle', () => {
    const shown = (state: State, turnState?: TurnState): string => content({ state, turn: turnState ? turn(turnState) : null }).state;
    const without = Object.fromEntries(SessionState.options.map((state) => [state, shown(state)]));
    expect(without).toEqual({
      ...{ dormant: 'idle', starting: 'idle', ready: 'idle', stopping: 'idle' },
      ...{ working: 'working', waiting: 'waiting', paused: 'paused', failed: 'failed', archived: 'ended' },
    });
    const within = Object.fromEntries(SessionState.options.map((state) => [state, shown(state, 'accepted')]));
    expect(within).toEqual({
      ...{ dormant: 'starting', starting: 'starting', failed: 'starting', ready: 'working', stopping: 'working' },
      ...{ working: 'working', waiting: 'waiting', paused: 'paused', archived: 'ended' },
    });
    for (const state of TurnState.options) expect(shown('ready', state)).toMatch(/^(working|idle)$/);
  });

  it('[LA5] the rungs of a turn are one, its outcome is told with what was said', () => {
    for (const rung of ['accepted', 'written', 'acknowledged', 'running', 'waiting'] as const)
      expect(content({ state: 'working', turn: turn(rung, 'half an answer') }).turn).toMatchObject({ state: 'running', text: null });
    expect(idle.turn).toEqual({
      ...{ id: 'turn-1', state: 'completed', startedAt: now / 1_000 - 5, endedAt: now / 1_000, text: 'Done.' },
    });
    expect(content({ turn: turn('failed', 'No room.') }).turn).toMatchObject({ state: 'failed', text: 'No room.' });
    expect(content({ turn: turn('cancelled') }).turn).toMatchObject({ state: 'cancelled', text: null });
  });

  it('[LA5] what waits for the owner, the oldest first, with how many others', () => {
    expect(waiting.needs).toEqual({
      ...{ kind: 'approval', id: 'ask-1', title: 'Remove it?', risk: 'elevated', expiresAt: now / 1_000 + 600, more: 0 },
    });
    const questions: Asked = { kind: 'question', id: 'q', questions: [{ question: 'Which?' }, { question: 'When?' }], expiresAt: null };
    expect(content({ asked: [questions, approval()] }).needs).toEqual({
      ...{ kind: 'question', id: 'q', title: 'Which?', risk: null, expiresAt: null, more: 2 },
    });
  });

  it('[LA6] no secret, and never too much for a push, whatever the texts are', () => {
    const secret = 'sk-ant-0123456789abcdefghij';
    for (const unit of ['x', '😀', '\n', '"', '\u0001', `${secret} `, '\ud83d']) {
      const long = unit.repeat(20_000);
      const shown = content({
        ...{ state: 'waiting', name: long, turn: turn('completed', long) },
        asked: [approval({ id: long, title: long }), approval()],
      });
      expect(ActivityContent.parse(shown)).toEqual(shown);
      const step = stepOf(seen(null), shown, now);
      if (step.is === 'same') throw new Error('There must be something to tell.');
      const json = activityPayload(step, shown, { stamp: 1, alerts: true });
      expect(Buffer.byteLength(json)).toBeLessThanOrEqual(4_096);
      expect(json).not.toContain(secret.slice(0, 12));
      expect(JSON.parse(json)).toMatchObject({ aps: { alert: { sound: 'default' } } });
    }
  });
});

describe('what a live activity is told', () => {
  it('[LA7] nothing, where nothing but the newest seq has changed', () => {
    expect(stepOf(seen(working), { ...working, headSeq: 900 }, now)).toMatchObject({ is: 'same' });
    expect(stepOf(seen(working), content({ state: 'working', turn: turn('acknowledged'), headSeq: 9 }), now)).toMatchObject({ is: 'same' });
    expect(stepOf(seen(working), waiting, now)).toMatchObject({ is: 'update', changedAt: now });
    expect(stepOf(seen(null), idle, now)).toMatchObject({ is: 'update' });
  });

  it('[LA8] urgent is what is to be decided, and how a turn or a start went; what its owner did is not', () => {
    const urgent = (before: ActivityContent | null, next: ActivityContent): unknown =>
      (stepOf(seen(before), next, now) as { urgent?: boolean }).urgent;
    const ended = (state: TurnState): ActivityContent => content({ turn: turn(state, 'x') });
    expect(urgent(working, waiting)).toBe(true);
    expect(urgent(null, waiting)).toBe(true);
    expect(urgent(waiting, content({ ...facts(), state: 'waiting', turn: turn('waiting'), asked: [approval({ id: 'ask-2' })] }))).toBe(
      true,
    );
    for (const state of ['completed', 'failed', 'interrupted'] as const)
      expect([state, urgent(working, ended(state))]).toEqual([state, true]);
    expect(urgent(idle, content({ state: 'failed', turn: turn('completed', 'Done.') }))).toBe(true);
    expect(urgent(working, ended('cancelled'))).toBe(false);
    expect(urgent(idle, working)).toBe(false);
    expect(urgent(waiting, working)).toBe(false);
    expect(urgent(null, idle)).toBe(false);
    expect(urgent(working, { ...working, title: 'Another name' })).toBe(false);
  });

  it('[LA8] urgent ones leave at once with priority 10, but for so many in an hour; others later, and apart', () => {
    expect(timingOf(true, { urgent: URGENT_PER_HOUR - 1, last: now }, now)).toEqual({ priority: 10, at: now });
    expect(timingOf(true, { urgent: URGENT_PER_HOUR, last: now - 10 }, now)).toEqual({ priority: 5, at: now - 10 + APART_MS });
    expect(timingOf(false, { urgent: 0, last: 0 }, now)).toEqual({ priority: 5, at: now + SETTLE_MS });
    expect(timingOf(false, { urgent: 0, last: now - 1 }, now)).toEqual({ priority: 5, at: now - 1 + APART_MS });
    expect(timingOf(false, { urgent: 0, last: now + 10 * MINUTE }, now)).toEqual({ priority: 5, at: now + APART_MS });
  });

  it('[LA10] it is stale when a turn was not heard of for long, when what it waits for expires, and at its end', () => {
    const stale = (next: ActivityContent, age = MINUTE): number => {
      const step = stepOf(seen(null, age), next, now);
      return step.is === 'update' ? step.staleAt - now : NaN;
    };
    expect(stale(working)).toBe(STALE_MS);
    expect(stale(waiting)).toBe(10 * MINUTE);
    expect(stale(content({ state: 'waiting', asked: [approval({ expiresAt: now - 1 })] }))).toBe(MINUTE);
    expect(stale(content({ state: 'waiting', asked: [approval({ expiresAt: null })] }))).toBe(LIFE_MS - MINUTE);
    expect(stale(content({ state: 'paused', turn: turn('running') }))).toBe(LIFE_MS - MINUTE);
    expect(stale(working, LIFE_MS - MINUTE)).toBe(MINUTE);
    // The end of an idle one comes before it is stale.
    expect(stale(idle)).toBeGreaterThan(IDLE_MS);
    expect(stepOf(seen(null), idle, now)).toMatchObject({ lookAt: now + IDLE_MS });
  });

  it('[LA11] it ends with its session, when that has been idle for long, and before iOS ends it', () => {
    expect(stepOf(seen(working), content({ state: 'archived' }), now)).toEqual({ is: 'end', why: 'archived', dismissAt: now + LINGER_MS });
    for (const quiet of [idle, content({ state: 'failed' }), content({ state: 'dormant' })]) {
      expect(stepOf(seen(quiet, IDLE_MS - 1), quiet, now)).toMatchObject({ is: 'same', lookAt: now + 1 });
      expect(stepOf(seen(quiet, IDLE_MS), quiet, now)).toEqual({ is: 'end', why: 'idle', dismissAt: now + LINGER_MS });
    }
    for (const busy of [working, waiting, content({ state: 'paused' })]) {
      expect(stepOf(seen(busy, LIFE_MS - 1), busy, now)).toMatchObject({ is: 'same', lookAt: now + 1 });
      expect(stepOf(seen(busy, LIFE_MS), busy, now)).toEqual({ is: 'end', why: 'too-old', dismissAt: now + AFTERLIFE_MS });
    }
  });

  it('[LA11] at its end it shows an idle session as it was, and else that nothing goes on; what was taken away goes at once', () => {
    expect(lastContent('idle', idle)).toEqual(idle);
    expect(lastContent('too-old', waiting)).toMatchObject({ state: 'ended', needs: null, title: 'A project' });
    for (const why of ['removed', 'deleted'] as const) {
      const { aps } = JSON.parse(activityPayload(endOf(why, now), lastContent(why, working), { stamp: 9, alerts: true })) as {
        aps: Record<string, unknown>;
      };
      expect(aps).toEqual({ timestamp: 9, event: 'end', 'dismissal-date': now / 1_000, 'content-state': { ...working, state: 'ended' } });
    }
  });

  it('[LA13] a token that is for another app is no more', () => {
    expect(stepOfActivity({ is: 'failed', reason: 'DeviceTokenNotForTopic' })).toEqual({ is: 'gone', reason: 'DeviceTokenNotForTopic' });
    expect(stepOfActivity({ is: 'failed', reason: 'PayloadTooLarge' })).toMatchObject({ is: 'failed' });
    expect(stepOfActivity({ is: 'retry', afterMs: 5, holds: 'all', reason: 'ServiceUnavailable' })).toMatchObject({ is: 'retry' });
  });
});
