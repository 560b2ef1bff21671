import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ModelServer } from '../../cli/model/model-server.ts';
import { startModelServer } from '../../cli/model/model-server.ts';

let model: ModelServer;
beforeAll(async () => {
  model = await startModelServer();
});
afterAll(() => model.close());
beforeEach(() => fetch(`${model.url}/_reset`, { method: 'POST' }));

const tools = [{ name: 'Bash' }];
const said = (text: string): { role: string; content: unknown } => ({ role: 'user', content: [{ type: 'text', text }] });

function post(messages: unknown[], more: Record<string, unknown> = {}): Promise<Response> {
  const body = JSON.stringify({ model: 'scripted', messages, tools, ...more });
  return fetch(`${model.url}/v1/messages`, { method: 'POST', body });
}

interface Whole {
  stop_reason: string;
  content: { type: string; text?: string; name?: string; input?: unknown }[];
}

async function whole(...messages: unknown[]): Promise<Whole> {
  return (await (await post(messages)).json()) as Whole;
}

async function answerTo(...messages: unknown[]): Promise<string | undefined> {
  return (await whole(...messages)).content[0]?.text;
}

it('streams exactly as many tokens as asked for, each at its time', async () => {
  const startedAt = performance.now();
  const stream = await (await post([said('tokens=20 delay=5')], { stream: true })).text();
  expect(performance.now() - startedAt).toBeGreaterThan(90);
  const texts = [...stream.matchAll(/"text_delta","text":"([^"]*)"/g)].map((match) => match[1]);
  expect(texts).toHaveLength(20);
  expect(texts.join('')).toBe(Array.from({ length: 20 }, (_, index) => `w${index + 1}`).join(' '));
  expect(stream).toContain('"output_tokens":20');
  expect(stream.trimEnd().endsWith('data: {"type":"message_stop"}')).toBe(true);
});

it('answers the last words of the user, not what the CLI adds around them', async () => {
  const reminder = { type: 'text', text: '<system-reminder>\ntokens=500\n</system-reminder>' };
  expect(await answerTo({ role: 'user', content: [reminder, { type: 'text', text: 'hello' }, reminder] })).toBe('You said: hello');
  expect(await answerTo(said('tokens=9'), said('[Request interrupted by user]'), said('hello'), said('[Image: source: /a.png]'))).toBe(
    'You said: hello',
  );
});

it('remembers only what the conversation holds', async () => {
  expect(await answerTo(said('remember the word marble'), said('what word'))).toBe('The word is marble.');
  expect(await answerTo(said('what word'))).toBe('I know no word.');
});

it('proves with length that an input came whole', async () => {
  expect(await answerTo(said(`length ${'é'.repeat(300_000)}`))).toMatch(/^300007:[0-9a-f]{16}$/);
});

it('asks for tools and says what came of them', async () => {
  const asked = await whole(said('say: First.\nrun: echo hi'));
  expect(asked).toMatchObject({ stop_reason: 'tool_use', content: [{ text: 'First.' }, { name: 'Bash', input: { command: 'echo hi' } }] });
  const result = (is_error: boolean): unknown => ({
    role: 'user',
    content: [{ type: 'tool_result', tool_use_id: 'x', content: 'hi', is_error }],
  });
  expect(await answerTo(said('run: echo hi'), result(false))).toBe('Tool said: hi');
  expect(await answerTo(said('run: echo hi'), result(true))).toBe('Tool was refused: hi');
});

it('fails as the message says', async () => {
  const refused = await post([said('status=529')]);
  expect(refused.status).toBe(529);
  expect(await refused.json()).toMatchObject({ error: { type: 'overloaded_error' } });
  await expect(post([said('cut\ntokens=10')], { stream: true }).then((response) => response.text())).rejects.toThrow();
});

it('lists requests, with those of the CLI itself marked, and forgets them on reset', async () => {
  await answerTo(said('hello'));
  await post([said('quota')], { max_tokens: 1 });
  const listed = (await (await fetch(`${model.url}/_requests`)).json()) as { lastUserText: string; side: boolean }[];
  expect(listed.map((one) => [one.lastUserText, one.side])).toEqual([
    ['hello', false],
    ['quota', true],
  ]);
  await fetch(`${model.url}/_reset`, { method: 'POST' });
  expect(await (await fetch(`${model.url}/_requests`)).json()).toEqual([]);
});

it('closes while a request hangs', async () => {
  const other = await startModelServer();
  const hanging = request(`${other.url}/v1/messages`, { method: 'POST' });
  const ended = new Promise((resolve) => hanging.on('error', resolve));
  hanging.end(JSON.stringify({ messages: [said('hang')], tools }));
  while (other.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await other.close();
  expect(await ended).toBeInstanceOf(Error);
});

describe('the Responses API', () => {
  const words = (text: string): object => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
  const ask = (input: object[], more: object = {}): Promise<Response> => {
    const body = JSON.stringify({ model: 'm', stream: true, tools: [{ type: 'function', name: 'exec_command' }], input, ...more });
    return fetch(`${model.url}/v1/responses`, { method: 'POST', body });
  };
  const events = async (response: Response): Promise<{ type: string; delta?: string; item?: Record<string, unknown> }[]> =>
    [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(([, line = '']) => JSON.parse(line) as { type: string });

  it('[AG15] streams the same script, and leaves out what codex puts around the words', async () => {
    const said = await events(await ask([words('remember the word marble'), words('<environment_context>tokens=9'), words('what word')]));
    expect(said.map(({ delta }) => delta ?? '').join('')).toBe('The word is marble.');
    expect(said.at(0)?.type).toBe('response.created');
    expect(said.at(-1)?.type).toBe('response.completed');
  });

  it('[AG15] uses the tools that codex offers, and says what came of them', async () => {
    const items = (await events(await ask([words('think\nrun: echo hi')]))).flatMap(({ type, item }) =>
      type.endsWith('.done') ? [item] : [],
    );
    expect(items).toMatchObject([{ type: 'reasoning' }, { type: 'function_call', name: 'exec_command', arguments: '{"cmd":"echo hi"}' }]);
    const result = (output: string): object => ({ type: 'function_call_output', call_id: 'x', output });
    const text = async (output: string): Promise<string> =>
      (await events(await ask([words('run: echo hi'), result(output)]))).map(({ delta }) => delta ?? '').join('');
    expect(await text('Chunk ID: 1\nOutput:\nhi\n')).toBe('Tool said: hi');
    expect(await text('patch rejected by user')).toBe('Tool was refused: patch rejected by user');
  });

  it('[AG15] fails as the message says, in its own shape', async () => {
    const refused = await ask([words('status=429')]);
    expect([refused.status, await refused.json()]).toMatchObject([429, { error: { code: 'rate_limit_exceeded' } }]);
    await expect(ask([words('cut\ntokens=10')]).then((response) => response.text())).rejects.toThrow();
    expect((await fetch(`${model.url}/v1/responses`, { method: 'POST', body: '{}' })).status).toBe(400);
  });
});
