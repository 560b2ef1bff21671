import { describe, expect, it } from 'vitest';
import { OutgoingFrame } from '../../server/contracts/frames-out.ts';
import { parseFrame } from '../../server/contracts/parse-frame.ts';
import { refusal, wrongFields } from './refusal.ts';

const ID = 'abcdef00-1234-4abc-8def-0123456789ab';
const frame = (value: unknown) => parseFrame(JSON.stringify(value));

describe('a frame from a client', () => {
  it.each([
    { type: 'client.hello', payload: { clientId: 'phone' } },
    { type: 'session.attach', payload: { sessionId: ID, after: 3 }, requestId: '1' },
    { type: 'session.focus', payload: { sessionId: null } },
    { type: 'session.send', payload: { sessionId: ID, message: 'hi' } },
    {
      type: 'session.approve',
      payload: { sessionId: ID, approvalId: '79c0dbee-2b91-8228-a778-05764ecc564d', decision: 'deny', message: 'no' },
    },
    { type: 'session.answer', payload: { sessionId: ID, questionId: 'q', answers: { a: 'b' } } },
    { type: 'session.history', payload: { sessionId: ID, limit: 5 } },
  ])('[WS1] $type is understood as it is', (value) => {
    expect(frame(value)).toEqual(value);
  });

  it('[WS1] what may be left out has its default', () => {
    expect(frame({ type: 'session.list' })).toEqual({ type: 'session.list', payload: { limit: 50 } });
    expect(frame({ type: 'session.attach', payload: { sessionId: ID } })).toMatchObject({ payload: { after: 0 } });
  });

  it.each(['', '{', 'null', '[]', '5', '"x"', '{}', '{"type":"nope"}', '{"type":5}', '{"type":"session.attach"}'])(
    '[WS2] %j is refused as bad-frame, with a sentence',
    (text) => {
      expect(refusal(() => parseFrame(text))).toMatchObject({
        code: 'bad-frame',
        message: expect.stringMatching(/^The frame is not .+\.$/),
      });
    },
  );

  it('[WS2] every wrong field is named, and the answer can be placed by its requestId', () => {
    const wrong = () => frame({ type: 'session.attach', payload: { sessionId: 'x', after: '3' }, requestId: 'r1' });
    expect(wrongFields(wrong)).toEqual(['payload.sessionId', 'payload.after']);
    expect(refusal(wrong).extras.members).toEqual({ requestId: 'r1' });
  });

  it('[WS3] the socket takes no wait: an answer comes as events', () => {
    expect(frame({ type: 'session.send', payload: { sessionId: ID, message: 'hi', wait: true } }).payload).not.toHaveProperty('wait');
  });
});

describe('a frame from the server', () => {
  it('[WS4] carries the same event objects as every other transport', () => {
    const at = '2026-01-05T10:00:00.000Z';
    const event = { sessionId: ID, seq: 1, at, channel: 'session', kind: 'session.ready', data: { pid: 5 } };
    const gap = { sessionId: ID, seq: 9, at, channel: 'reader', kind: 'gap', data: { cursor: 9, snapshot: {} } };
    expect(OutgoingFrame.parse({ type: 'event', payload: event }).payload).toEqual(event);
    expect(OutgoingFrame.parse({ type: 'gap', payload: gap }).payload).toEqual(gap);
    expect(OutgoingFrame.safeParse({ type: 'event', payload: { ...event, kind: 'nope' } }).success).toBe(false);
  });
});
