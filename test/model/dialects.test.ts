import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelServer } from '../../cli/model/model-server.ts';
import { startModelServer } from '../../cli/model/model-server.ts';

let model: ModelServer;
beforeAll(async () => {
  model = await startModelServer();
});
afterAll(() => model.close());

function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${model.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
}
function sse(text: string): unknown[] {
  const data = [...text.matchAll(/^data: (\{.*)$/gm)];
  return data.map((match) => JSON.parse(match[1] ?? ''));
}

describe('chat completions', () => {
  const tools = [{ type: 'function', function: { name: 'bash' } }];
  const path = '/v1/chat/completions';
  const user = (content: string): unknown => ({ role: 'user', content });

  it('streams pieces, then the reason and the tokens', async () => {
    const res = await post(path, { model: 'm', stream: true, tools, messages: [user('tokens=5')] });
    const chunks = sse(await res.text()) as { choices: { delta: { content?: string }; finish_reason: string | null }[]; usage?: unknown }[];
    expect(chunks.map(({ choices: [choice] }) => choice?.delta.content ?? '').join('')).toBe('w1 w2 w3 w4 w5');
    expect(chunks.flatMap(({ choices: [choice] }) => choice?.finish_reason ?? [])).toEqual(['stop']);
    expect(chunks.at(-1)).toMatchObject({ usage: { completion_tokens: 5 } });
  });

  it('calls the tools that are offered, and reads what came of them', async () => {
    const answer = async (...messages: unknown[]): Promise<unknown> => (await post(path, { tools, messages })).json();
    expect(await answer(user('run: ls'))).toMatchObject({ choices: [{ message: { tool_calls: [{ function: { name: 'bash' } }] } }] });
    const result = { role: 'tool', tool_call_id: 'x', content: 'a.txt' };
    expect(await answer(user('run: ls'), result)).toMatchObject({ choices: [{ message: { content: 'Tool said: a.txt' } }] });
  });

  it('remembers, and does not take what an agent adds for the user', async () => {
    const messages = [user('remember the word fig'), user('<current_datetime>now</current_datetime>\nwhat word')];
    expect(await (await post(path, { tools, messages })).json()).toMatchObject({ choices: [{ message: { content: 'The word is fig.' } }] });
  });

  it('fails as it is told to', async () => {
    const res = await post(path, { tools, messages: [user('status=429')] });
    expect([res.status, await res.json()]).toMatchObject([429, { error: { message: 'Scripted error 429' } }]);
  });
});

describe('Gemini', () => {
  const tools = [{ functionDeclarations: [{ name: 'run_shell_command' }] }];
  const path = '/v1beta/models/gemini-x:streamGenerateContent?alt=sse';
  const user = (...texts: string[]): unknown => ({ role: 'user', parts: texts.map((text) => ({ text })) });
  interface Chunk {
    candidates: { content: { parts: { text?: string; functionCall?: unknown }[] }; finishReason?: string }[];
  }

  it('streams pieces, then the reason', async () => {
    const contents = [user('<session_context>here</session_context>', 'tokens=5')];
    const chunks = sse(await (await post(path, { tools, contents })).text()) as Chunk[];
    const parts = chunks.flatMap(({ candidates: [candidate] }) => candidate?.content.parts ?? []);
    expect(parts.map(({ text }) => text).join('')).toBe('w1 w2 w3 w4 w5');
    expect(chunks.at(-1)).toMatchObject({ candidates: [{ finishReason: 'STOP' }] });
  });

  it('calls a tool, and reads what came of it', async () => {
    const answer = async (...contents: unknown[]): Promise<unknown> =>
      (await post('/v1beta/models/gemini-x:generateContent', { tools, contents })).json();
    const call = { functionCall: { name: 'run_shell_command', args: { command: 'ls' } } };
    expect(await answer(user('run: ls'))).toMatchObject({ candidates: [{ content: { parts: [call] } }] });
    const refused = { role: 'user', parts: [{ functionResponse: { name: 'run_shell_command', response: { error: 'no' } } }] };
    expect(JSON.stringify(await answer(user('run: ls'), refused))).toContain('Tool was ref');
  });

  it('counts tokens, and fails as it is told to', async () => {
    const counted = await post('/v1beta/models/gemini-x:countTokens', { contents: [user('hello')] });
    expect(await counted.json()).toEqual({ totalTokens: expect.any(Number) as number });
    const res = await post(path, { tools, contents: [user('status=503')] });
    expect([res.status, await res.json()]).toMatchObject([503, { error: { status: 'UNAVAILABLE' } }]);
  });
});
