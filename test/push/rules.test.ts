import { describe, expect, it } from 'vitest';
import { eventData, type EventKind } from '../../server/contracts/events.ts';
import { subjectOf } from '../../server/push/rules/notification.ts';
import { pushedKinds, verdictOf, type PushEvent, type SessionFacts } from '../../server/push/rules/rules.ts';

const at = Date.parse('2026-03-01T08:00:00Z');
const session: SessionFacts = { id: 'b7f5a0aa-0000-4000-8000-000000000001', name: 'Tests', projectPath: '/projects/one', reply: null };
const turnId = 'b7f5a0aa-0000-4000-8000-000000000002';
const verdict = (kind: EventKind, data: unknown = {}, facts: Partial<SessionFacts> = {}, change: Partial<PushEvent> = {}) =>
  verdictOf({ kind, at, turnId, data, ...change }, { ...session, ...facts });

const approval = { approvalId: 'a1', tool: 'Bash', title: 'rm -r build', input: {}, options: [], expiresAt: null };

describe('the rules of what is pushed', () => {
  it('[PU6] what a subagent, a tool or a stream says is never pushed, nor is any step on a message’s way', () => {
    const kinds = Object.values(eventData).flatMap((table) => Object.keys(table)) as EventKind[];
    const silent = kinds.filter((kind) => !(pushedKinds as readonly string[]).includes(kind));
    expect(silent).toEqual(
      expect.arrayContaining(['text', 'thinking', 'message', 'tool.started', 'tool.updated', 'tool.finished', 'turn.started', 'unknown']),
    );
    for (const kind of silent) expect(verdict(kind)).toEqual({});
  });

  it('[PU6] repeated notices of a session are about one thing, so that a phone shows the newest alone', () => {
    const limits = [1, 2].map(() => verdict('rate-limited', { resetsAt: null }).notification?.subject);
    expect(new Set(limits).size).toBe(1);
    const warnings = (what: string) => verdict('resource.warning', { what, used: 81, limit: 100 }).notification?.subject;
    expect(warnings('memory')).toBe(warnings('memory'));
    expect(warnings('memory')).not.toBe(warnings('cpu'));
  });

  it('[PU1] a completed turn tells the answer as it was stored, under its id; without an answer it says that it is done', () => {
    const done = verdict('turn.completed', { text: 'short' }, { reply: { id: 'm1', text: 'the whole answer' } });
    expect(done.notification).toMatchObject({
      text: 'the whole answer',
      subject: `turn:${turnId}`,
      fields: { messageId: 'm1', requestId: turnId },
    });
    expect(verdict('turn.completed', { text: '' }).notification).toMatchObject({ body: 'Done.' });
  });

  it('[PU3] an approval is kept until it expires, at least a minute and at most a day', () => {
    const keep = (expiresAt: string | null) => verdict('approval.requested', { ...approval, expiresAt }).notification?.keepMs;
    expect(keep(new Date(at + 600_000).toISOString())).toBe(600_000);
    expect(keep(new Date(at + 1_000).toISOString())).toBe(60_000);
    expect(keep(null)).toBe(24 * 3_600_000);
  });

  it('[PU3] an approval says what it is bound to, and a destructive one has a category of its own', () => {
    const told = (risk: string) => verdict('approval.requested', { ...approval, inputHash: 'f'.repeat(64), risk }).notification;
    expect(told('elevated')).toMatchObject({
      ...{ subtitle: 'Needs your approval', category: 'HOLDFAST_APPROVAL' },
      fields: { inputHash: 'f'.repeat(64), risk: 'elevated' },
    });
    expect(told('destructive')).toMatchObject({
      ...{ subtitle: 'Needs your approval: destructive', category: 'HOLDFAST_APPROVAL_DESTRUCTIVE' },
      fields: { inputHash: 'f'.repeat(64), risk: 'destructive' },
    });
  });

  it('[PU15] what was decided settles its question, and tells the apps silently', () => {
    const asked = verdict('approval.requested', approval).notification?.subject;
    expect(verdict('approval.resolved', { approvalId: 'a1', decision: 'allow', by: 'me' })).toEqual({ settles: [asked], sync: true });
    expect(verdict('question.answered', { questionId: 'q1', by: 'me' })).toEqual({ settles: ['ask:q1'], sync: true });
    expect(verdict('session.extended', { expiresAt: '' })).toEqual({
      settles: [verdict('session.expiring', { expiresAt: '2026-03-01T12:00:00.000Z' }).notification?.subject],
    });
  });

  it('[PU7] expiry, limits and stalls are told without haste', () => {
    expect(verdict('session.expiring', { expiresAt: '2026-03-01T12:00:00.000Z' }).notification).toMatchObject({
      level: 'passive',
      keepMs: 4 * 3_600_000,
    });
    expect(verdict('resource.warning', { what: 'memory', used: 410.4, limit: 500 }).notification?.body).toBe(
      'It uses 410 of 500 MB (memory).',
    );
    expect(verdict('rate-limited', { resetsAt: '2026-03-01T09:00:00.000Z' }).notification?.body).toContain('until 2026-03-01 09:00 UTC');
    expect(verdict('session.stalled', { evidence: {} }).notification).toMatchObject({ level: 'passive' });
  });

  it('[PU8] a subject is never longer than a collapse id may be', () => {
    expect(subjectOf('ask', 'x'.repeat(60))).toHaveLength(64);
    expect(Buffer.byteLength(subjectOf('ask', 'ä'.repeat(60)))).toBeLessThanOrEqual(64);
    expect(subjectOf('ask', 'x'.repeat(100))).not.toBe(subjectOf('ask', `${'x'.repeat(100)}y`));
  });
});
