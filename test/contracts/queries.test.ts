import { describe, expect, it } from 'vitest';
import {
  ApprovalParams,
  EventsQuery,
  IdempotencyHeaders,
  LogsQuery,
  MessagesQuery,
  QuestionParams,
  SessionParams,
  SessionsQuery,
  StreamHeaders,
} from '../../server/contracts/queries.ts';
import { parse } from '../../server/contracts/validate.ts';
import { wrongFields } from './refusal.ts';

const bad = ['5x', '', ' 5', '-1', '+5', '1e2', '5.5', '0x10', '99999999999999999999', ['1', '2'], 'NaN'];

describe('numbers in a query', () => {
  it.each(bad)('[API11] %j is refused, not guessed', (text) => {
    expect(wrongFields(() => parse(MessagesQuery, { limit: text }, 'query'))).toEqual(['limit']);
    expect(wrongFields(() => parse(EventsQuery, { after: text }, 'query'))).toEqual(['after']);
    expect(wrongFields(() => parse(LogsQuery, { tail: text }, 'query'))).toEqual(['tail']);
  });

  it('[API11] a limit is 1 to 1,000 and an error beyond, not cut down', () => {
    for (const limit of ['0', '1001']) {
      for (const schema of [SessionsQuery, MessagesQuery, EventsQuery])
        expect(wrongFields(() => parse(schema, { limit }, 'query'))).toEqual(['limit']);
    }
    expect(parse(SessionsQuery, { limit: '1000' }, 'query').limit).toBe(1000);
    expect(wrongFields(() => parse(LogsQuery, { tail: '10001' }, 'query'))).toEqual(['tail']);
  });

  it('[API11] what is not said has its default', () => {
    expect(parse(SessionsQuery, {}, 'query')).toEqual({ limit: 50 });
    expect(parse(MessagesQuery, {}, 'query')).toEqual({ limit: 50 });
    expect(parse(EventsQuery, {}, 'query')).toEqual({ after: 0, limit: 200 });
    expect(parse(LogsQuery, {}, 'query')).toEqual({ tail: 200, stream: 'both' });
  });
});

describe('names in a query, a path and a header', () => {
  it('[API3] a filter that can fit nothing is refused', () => {
    const wrong = () => parse(SessionsQuery, { status: 'alive', agent: '../x', label: '', before: '' }, 'query');
    expect(wrongFields(wrong)).toEqual(['status', 'agent', 'label', 'before']);
    expect(wrongFields(() => parse(EventsQuery, { kind: 'nope' }, 'query'))).toEqual(['kind']);
  });

  it('[API12] an id in a path may be anything: what nobody has is 404, not 400', () => {
    expect(parse(SessionParams, { id: '../ETC' }, 'path')).toEqual({ id: '../etc' });
    expect(parse(ApprovalParams, { id: 'A', approvalId: 'B' }, 'path')).toEqual({ id: 'a', approvalId: 'b' });
    expect(parse(QuestionParams, { id: 'A', questionId: 'B' }, 'path')).toEqual({ id: 'a', questionId: 'b' });
  });

  it('[API13] an Idempotency-Key is 1 to 200 printable characters', () => {
    const key = (text: string) => parse(IdempotencyHeaders, { 'idempotency-key': text, host: 'x' }, 'header');
    expect(key('a key')).toEqual({ 'idempotency-key': 'a key' });
    for (const text of ['', 'ü', 'a\tb', 'x'.repeat(201)]) expect(wrongFields(() => key(text))).toEqual(['idempotency-key']);
  });

  it('[API14] Last-Event-ID is as strict as a cursor', () => {
    expect(parse(StreamHeaders, { 'last-event-id': '7' }, 'header')).toEqual({ 'last-event-id': 7 });
    expect(wrongFields(() => parse(StreamHeaders, { 'last-event-id': '-7' }, 'header'))).toEqual(['last-event-id']);
  });
});
