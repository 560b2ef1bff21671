import { describe, expect, it } from 'vitest';
import { Attachment } from '../../server/contracts/attachment.ts';
import { ApprovalDecision, ChatRequest, CreateSession, KillChat, PatchSession, QuestionAnswers } from '../../server/contracts/commands.ts';
import { parse } from '../../server/contracts/validate.ts';
import { refusal, wrongFields } from './refusal.ts';

const ID = 'ABCDEF00-1234-4ABC-8DEF-0123456789AB';
const chat = (body: unknown) => parse(ChatRequest, body, 'body');
const file = (change: object) => ({ name: 'a.png', mimeType: 'image/png', size: 1, data: 'AA==', ...change });

describe("the published app's fields", () => {
  it('[PA21] workspace is a flag or a text, and autoResponse a flag or a bounded configuration, kept as it is', () => {
    const said = (more: object) => chat({ message: 'hi', projectPath: '/p', ...more });
    const autoResponse = { enabled: true, limits: { maxMessages: 5 }, minConfidence: 0.75 };
    expect(said({ workspace: true, autoResponse })).toMatchObject({ workspace: true, autoResponse });
    expect(said({ workspace: 'main', autoResponse: false })).toMatchObject({ workspace: 'main', autoResponse: false });
    expect(said({ autoResponse: { a: 'x'.repeat(9_992) } }).autoResponse).toBeDefined();
    for (const wrong of [{ a: 'x'.repeat(9_993) }, [], 'yes', 1]) {
      expect(wrongFields(() => said({ autoResponse: wrong }))).toEqual(['autoResponse']);
    }
    expect(refusal(() => said({ autoResponse: 'yes' })).message).toContain('autoResponse must be true, false or an object');
    expect(refusal(() => said({ autoResponse: { a: 'x'.repeat(10_000) } })).message).toContain('10000 characters');
  });

  it('[PA21] a kill needs the session alone', () => {
    expect(parse(KillChat, { sessionId: ID, reason: null }, 'body')).toEqual({ sessionId: ID.toLowerCase() });
    expect(wrongFields(() => parse(KillChat, { reason: 'x'.repeat(1_001) }, 'body'))).toEqual(['sessionId', 'reason']);
  });
});

describe('a chat request', () => {
  it('[API1] unknown fields are ignored, and null is the same as nothing', () => {
    expect(chat({ message: 'hi', projectPath: '/p', sessionId: null, future: { a: [1] } })).toEqual({ message: 'hi', projectPath: '/p' });
  });

  it('[API2] ids are UUIDs, given back in lower case', () => {
    expect(chat({ message: 'hi', sessionId: ID, messageId: ID })).toMatchObject({
      sessionId: ID.toLowerCase(),
      messageId: ID.toLowerCase(),
    });
    expect(wrongFields(() => chat({ message: 'hi', sessionId: 'x', messageId: 'y' }))).toEqual(['messageId', 'sessionId']);
  });

  it.each([
    ['normal', 'ask'],
    ['planning', 'plan'],
    ['code', 'accept-edits'],
    ['auto', 'auto'],
    ['plan', 'plan'],
  ])("[API4] the mode %s means %s: the published app's names are understood", (sent, meant) => {
    expect(chat({ message: 'hi', projectPath: '/p', mode: sent }).mode).toBe(meant);
  });

  it('[API3] one answer names every wrong field, also where a rule is about several', () => {
    const body = { message: 5, mode: 'x', wait: 1.5, timestamp: {}, attachments: [file({ size: '1' })], model: '--help', agent: '../x' };
    const fields = ['message', 'agent', 'mode', 'model', 'timestamp', 'attachments.0.size', 'wait', 'projectPath'];
    expect(wrongFields(() => chat(body))).toEqual(fields);
    for (const field of fields) expect(refusal(() => chat(body)).message).toContain(field);
  });

  it.each([undefined, null, [], 'text', 5, true])('[API3] a body that is %j is refused and called the body', (body) => {
    expect(refusal(() => chat(body))).toMatchObject({ code: 'validation-failed', status: 400 });
    expect(wrongFields(() => chat(body))).toEqual(['body']);
  });

  it('[API5] a message is blank only with attachments', () => {
    expect(wrongFields(() => chat({ message: ' \n', projectPath: '/p' }))).toEqual(['message']);
    expect(chat({ message: '', projectPath: '/p', attachments: [file({})] }).message).toBe('');
  });

  it('[API6] wait is true, false, or whole milliseconds up to an hour', () => {
    for (const wait of [true, false, 0, 3_600_000]) expect(chat({ message: 'hi', projectPath: '/p', wait }).wait).toBe(wait);
    for (const wait of [-1, 3_600_001, 0.5, '5', NaN])
      expect(wrongFields(() => chat({ message: 'hi', projectPath: '/p', wait }))).toEqual(['wait']);
  });

  it('[API7] no path has a NUL in it', () => {
    expect(wrongFields(() => chat({ message: 'hi', projectPath: '/p\0/etc' }))).toEqual(['projectPath']);
  });
});

describe('an attachment', () => {
  const attach = (change: object) => parse(Attachment, file(change), 'body');

  it.each(['../a', 'a/b', 'a\\b', '.', '..', '', 'a\0', 'x'.repeat(201)])(
    "[API8] the name %j can't leave its folder and is refused",
    (name) => {
      expect(wrongFields(() => attach({ name }))).toEqual(['name']);
    },
  );

  it.each(['..png', 'a b.txt', 'ü.md', 'x'.repeat(200)])('[API8] the name %j is a plain file name', (name) => {
    expect(attach({ name }).name).toBe(name);
  });

  it.each(['A', 'AAA', 'AA=A', 'A*==', 'AA==\n', '===='])('[API9] %j is not base64', (data) => {
    expect(wrongFields(() => attach({ data }))).toContain('data');
  });

  it('[API9] size is the number of bytes in data', () => {
    expect(wrongFields(() => attach({ size: 2 }))).toEqual(['size']);
    for (let size = 0; size < 9; size++) expect(attach({ size, data: Buffer.alloc(size, 7).toString('base64') }).size).toBe(size);
  });

  it('[API9] 30 MB are looked at in well under a second', () => {
    const data = 'AAAA'.repeat(10_000_000);
    const start = performance.now();
    attach({ size: 30_000_000, data });
    expect(wrongFields(() => attach({ data: `${data}A*AA` }))).toEqual(['data']);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('other commands', () => {
  it('[API10] a change of a session changes something; model null is the default', () => {
    expect(wrongFields(() => parse(PatchSession, {}, 'body'))).toEqual(['body']);
    expect(parse(PatchSession, { model: null }, 'body')).toEqual({ model: null });
  });

  it('[API3] a new session needs a folder and tidy names', () => {
    expect(wrongFields(() => parse(CreateSession, { name: ' ', labels: [1, 'x'.repeat(51)] }, 'body'))).toEqual([
      'projectPath',
      'name',
      'labels.0',
      'labels.1',
    ]);
  });

  it('[API3] decisions and answers are of their types', () => {
    expect(wrongFields(() => parse(ApprovalDecision, { decision: 'yes' }, 'body'))).toEqual(['decision']);
    expect(wrongFields(() => parse(QuestionAnswers, { answers: { a: 1 } }, 'body'))).toEqual(['answers.a']);
    expect(wrongFields(() => parse(QuestionAnswers, {}, 'body'))).toEqual(['answers']);
  });
});
