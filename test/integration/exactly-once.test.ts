import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatAccepted } from '../../server/contracts/views.ts';
import { expectAnsweredOnce, tokens } from '../support/kill-checks.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

const TIMES = 20;

describe('the same message more than once', () => {
  let claude: ClaudeHoldfast;

  beforeAll(async () => {
    claude = await claudeHoldfast();
  });
  afterAll(() => claude.dispose());

  /** The answer's bytes: a client may compare or cache them. */
  async function post(body: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
    const { client } = claude.holdfast;
    const response = await fetch(`${client.url}/api/chat`, { method: 'POST', headers: { ...client.headers, ...headers }, body });
    return { status: response.status, text: await response.text() };
  }

  function manyAtOnce(body: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }[]> {
    return Promise.all(Array.from({ length: TIMES }, () => post(body, headers)));
  }

  /** One turn, one answer in the history, and the model was asked once. */
  async function verifyOnce(accepted: ChatAccepted, message: string, answer: string): Promise<void> {
    const { client } = claude.holdfast;
    expect(claude.askedFor(message)).toBe(1);
    expectAnsweredOnce(await client.events(accepted.sessionId), accepted.messageId, answer);
    const history = await client.messages(accepted.sessionId);
    expect(history.map(({ turnId, role, text }) => [turnId, role, text])).toEqual([
      [accepted.messageId, 'user', message],
      [accepted.messageId, 'assistant', answer],
    ]);
  }

  it('[SE23] 20 times at once, in mid-answer, and again after a kill: one turn, one answer, the same bytes each time', async () => {
    const { holdfast } = claude;
    const request = { message: 'tokens=100 delay=5 once', projectPath: holdfast.folder('one'), messageId: randomUUID() };
    const body = JSON.stringify(request);
    const before = await manyAtOnce(body);
    await holdfast.kill();
    await holdfast.start();
    const after = await manyAtOnce(body);
    const waited = await Promise.all([1, 2, 3].map(() => post(JSON.stringify({ ...request, wait: true }))));
    const late = await manyAtOnce(body);
    const replies = [...before, ...after, ...late];
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies[0]?.status).toBe(202);
    expect(new Set(waited.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(waited[0]).toMatchObject({ status: 200, text: expect.stringContaining('w100') as string });
    await verifyOnce(JSON.parse(replies[0]?.text ?? '') as ChatAccepted, request.message, tokens(100));
  });

  it('[SE24] an Idempotency-Key does the same for a client without message ids, also over a kill', async () => {
    const { holdfast } = claude;
    const key = { 'idempotency-key': 'phone 7, try 1' };
    const body = JSON.stringify({ message: 'tokens=50 delay=5 keyed', projectPath: holdfast.folder('keyed') });
    const before = await manyAtOnce(body, key);
    await holdfast.kill();
    await holdfast.start();
    const after = await manyAtOnce(body, key);
    expect(new Set([...before, ...after].map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    const accepted = JSON.parse(after[0]?.text ?? '') as ChatAccepted;
    const waited = await post(JSON.stringify({ ...(JSON.parse(body) as object), wait: true }), key);
    expect(JSON.parse(waited.text)).toMatchObject({ state: 'completed', messageId: accepted.messageId });
    await verifyOnce(accepted, 'tokens=50 delay=5 keyed', tokens(50));
    const other = await post(JSON.stringify({ message: 'something else', projectPath: holdfast.folder('keyed') }), key);
    expect(other).toMatchObject({ status: 422, text: expect.stringContaining('"idempotency-conflict"') as string });
  });

  it('[SE25] another body under the same id is a conflict and changes nothing; order, timestamp and deviceToken make no other body', async () => {
    const { holdfast } = claude;
    const projectPath = holdfast.folder('body');
    const messageId = randomUUID();
    const first = await post(
      JSON.stringify({ message: 'hello', projectPath, messageId, timestamp: '2026-01-01T00:00:00Z', deviceToken: 'a' }),
    );
    const turned = await post(
      JSON.stringify({ timestamp: 17, deviceToken: 'b', messageId: messageId.toUpperCase(), projectPath, message: 'hello' }),
    );
    expect(turned).toEqual(first);
    const { sessionId } = JSON.parse(first.text) as ChatAccepted;
    const others = [
      { message: 'hello!', projectPath, messageId },
      { message: 'hello', projectPath, messageId, sessionId },
      { message: 'hello', projectPath, messageId, mode: 'plan' },
      { message: 'hello', projectPath: holdfast.folder('elsewhere'), messageId },
    ];
    for (const other of others) {
      const { status, text } = await post(JSON.stringify(other));
      expect({ status, body: JSON.parse(text) as unknown }).toMatchObject({
        status: 422,
        body: { code: 'idempotency-conflict', error: expect.any(String) as string },
      });
    }
    await holdfast.client.ask({ message: 'hello', projectPath, messageId });
    await verifyOnce(JSON.parse(first.text) as ChatAccepted, 'hello', 'You said: hello');
    const { body } = await holdfast.client.call<{ sessions: unknown[] }>(
      'GET',
      `/api/sessions?project=${encodeURIComponent(holdfast.folder('elsewhere'))}`,
    );
    expect(body.sessions).toEqual([]);
  });

  it('[SE26] devices that write at once into a project without a conversation begin one, and each gets its answer', async () => {
    const { holdfast } = claude;
    const projectPath = holdfast.folder('devices');
    const devices = Array.from({ length: 16 }, (_, index) => index + 1);
    const answers = await Promise.all(
      devices.map((device) => holdfast.client.ask({ message: `from device ${device}`, projectPath, messageId: randomUUID() })),
    );
    expect(new Set(answers.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(answers.map(({ content }) => content)).toEqual(devices.map((device) => `You said: from device ${device}`));
    const events = await holdfast.client.events(answers[0]?.sessionId ?? '');
    expect(events.filter(({ kind }) => kind === 'session.created' || kind === 'session.starting')).toHaveLength(2);
  });
});
