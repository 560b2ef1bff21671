import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentsView } from '../../server/contracts/server-views.ts';
import type { SessionView } from '../../server/contracts/views.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { claudeHoldfast } from '../support/kill-claude.ts';

type AgentView = AgentsView['agents'][number];

describe('agents', () => {
  let holdfast: Holdfast | undefined;
  let end: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await (end ?? (() => holdfast?.dispose()))();
    [holdfast, end] = [undefined, undefined];
  });

  async function view(agent: string, of = holdfast): Promise<AgentView> {
    const { body } = await (of as Holdfast).client.call<AgentsView>('GET', '/api/agents');
    return body.agents.find((other) => other.agent === agent) as AgentView;
  }

  it('[AV1] are told with their program, version, account and abilities, and with what to do where something is missing', async () => {
    holdfast = await Holdfast.start({ env: { CODEX_COMMAND: '/no/such/codex' } });
    const file = join(holdfast.folder('programs'), 'gemini');
    writeFileSync(file, '#!/bin/sh\necho 0.60.1\n');
    chmodSync(file, 0o700);
    await holdfast.kill();
    await holdfast.start({ GEMINI_COMMAND: file });
    const codex = await view('codex');
    expect(codex).toMatchObject({ installed: false, command: null, isDefault: false, memory: null });
    expect(codex.hint).toContain('npm install -g @openai/codex');
    const gemini = await view('gemini');
    expect(gemini).toMatchObject({ installed: true, command: file, version: '0.60.1', signedIn: 'no' });
    expect(gemini.hint).toMatch(/0\.60\.1 is older than 0\.61\.0.*GEMINI_API_KEY/);
    const echo = await view('echo');
    expect(echo).toMatchObject({ installed: true, command: process.execPath, isDefault: true, signedIn: 'yes' });
    expect(echo.hint).toBeUndefined();
    const { capabilities } = await view('claude');
    const modes = ['ask', 'accept-edits', 'plan', 'auto'];
    const effort = ['low', 'medium', 'high', 'xhigh', 'max'];
    expect(capabilities).toEqual({
      images: true,
      resume: true,
      cancel: true,
      approvals: true,
      fork: true,
      modes,
      models: true,
      effort,
      terminal: false,
    });
  });

  it('[AV2] are signed in as soon as their file says so', async () => {
    holdfast = await Holdfast.start();
    const states = ['claude', 'codex', 'opencode', 'gemini'];
    for (const agent of states) expect((await view(agent)).signedIn, agent).toBe(process.platform === 'linux' ? 'no' : expect.any(String));
    mkdirSync(join(holdfast.root, '.codex'));
    writeFileSync(join(holdfast.root, '.codex/auth.json'), '{"tokens":{"access_token":"secret-token"}}');
    expect((await view('codex')).signedIn).toBe('yes');
    const { body } = await holdfast.client.call('GET', '/api/agents');
    expect(JSON.stringify(body)).not.toContain('secret-token');
  });

  it('[AV3] with a program for another machine are refused before anything is stored', async () => {
    holdfast = await Holdfast.start();
    const file = join(holdfast.folder('programs'), 'codex');
    writeFileSync(file, '#!/no/such/node\n');
    chmodSync(file, 0o700);
    await holdfast.kill();
    await holdfast.start({ CODEX_COMMAND: file });
    const refused = await holdfast.client.call('POST', '/api/chat', { message: 'hi', agent: 'codex', projectPath: holdfast.project });
    expect(refused).toMatchObject({ status: 409, body: { code: 'agent-not-installed' } });
    expect(refused.body).toMatchObject({ detail: expect.stringContaining(`${file} needs /no/such/node, which is not there`) as string });
    expect((await holdfast.client.call<{ sessions: unknown[] }>('GET', '/api/sessions')).body.sessions).toEqual([]);
    expect((await view('codex')).hint).toContain('needs /no/such/node');
  });

  it('[AV6] are told with what they said at their last start that they can do, also after a restart', async () => {
    holdfast = await Holdfast.start();
    const file = join(holdfast.folder('programs'), 'gemini');
    const program = `#!${process.execPath}
      if (process.argv.includes('--version')) { console.log('0.61.0'); process.exit(); }
      const say = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
      require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const { id, method } = JSON.parse(line);
        if (method === 'initialize') say(id, { protocolVersion: 1, agentCapabilities: { loadSession: false, promptCapabilities: {} } });
        else if (method === 'session/new') say(id, { sessionId: 's' });
        else if (method === 'session/prompt') say(id, { stopReason: 'end_turn' });
      });`;
    writeFileSync(file, program);
    chmodSync(file, 0o700);
    await holdfast.kill();
    await holdfast.start({ GEMINI_COMMAND: file });
    expect((await view('gemini')).capabilities).toMatchObject({ images: true, resume: true });
    const { sessionId } = await holdfast.client.ask({ message: 'hi', agent: 'gemini', projectPath: holdfast.project });
    const less = { images: false, resume: false, cancel: true };
    expect((await view('gemini')).capabilities).toMatchObject(less);
    await holdfast.client.call('POST', `/api/sessions/${sessionId}/stop`);
    await holdfast.kill();
    await holdfast.start({ GEMINI_COMMAND: file });
    expect((await view('gemini')).capabilities).toMatchObject(less);
    expect((await view('opencode')).capabilities).toMatchObject({ images: true, resume: true });
  });

  it('[AV5] tell the memory of their live processes once it was measured', async () => {
    holdfast = await Holdfast.start({ env: { HEALTH_CHECK_INTERVAL_SECONDS: '0.2' } });
    expect((await view('echo')).memory).toBeNull();
    await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    const memory = await eventually(async () => (await view('echo')).memory ?? undefined, 20);
    expect(memory.processes).toBe(1);
    expect(memory.largestMb).toBeGreaterThan(5);
    expect(memory.medianMb).toBe(memory.largestMb);
    expect((await view('claude')).memory).toBeNull();
  });

  it('[TO1] a session has the sum of all that its turns used, also of those that failed, and keeps it', async () => {
    holdfast = await Holdfast.start();
    const { client, project } = holdfast;
    const first = await client.ask({ message: 'hello', projectPath: project });
    const { sessionId } = first;
    await client.ask({ message: 'fail', sessionId });
    await client.ask({ message: 'and again', sessionId });
    const reported = (await client.events(sessionId)).flatMap((event) => (event.kind === 'usage' ? [event.data.usage] : []));
    expect(reported).toHaveLength(3);
    const sum = (name: 'inputTokens' | 'outputTokens'): number => reported.reduce((total, usage) => total + usage[name], 0);
    const usage = { inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens'), cacheReadTokens: 0, cacheWriteTokens: 0 };
    expect(usage.inputTokens).toBeGreaterThan(0);
    expect(await client.session(sessionId)).toMatchObject({ usage, costUsd: 0 });
    await holdfast.kill();
    await holdfast.start();
    expect(await holdfast.client.status(sessionId)).toMatchObject({ usage, costUsd: 0 });
    await holdfast.client.ask({ message: 'elsewhere', projectPath: holdfast.folder('other') });
    const { totals } = await view('echo');
    expect(totals).toMatchObject({ sessions: 2, costUsd: 0 });
    expect(totals.usage.inputTokens).toBeGreaterThan(usage.inputTokens);
    expect((await view('claude')).totals).toMatchObject({ sessions: 0, costUsd: null });
  });

  it('[TO2] an answer that was waited for has what its turn used', async () => {
    holdfast = await Holdfast.start();
    const { client, project } = holdfast;
    const { sessionId, ...said } = await client.ask({ message: 'hello', projectPath: project });
    const completed = (await client.events(sessionId)).find(({ kind }) => kind === 'turn.completed');
    expect(completed?.data).toMatchObject({ usage: said.usage, costUsd: said.costUsd });
    expect(said.usage?.outputTokens).toBeGreaterThan(0);
    expect(await client.ask({ message: 'fail', sessionId })).toMatchObject({ usage: null, costUsd: null });
  });

  it('[EF1] an effort that an agent does not have is refused, with those that there are, and changes nothing', async () => {
    holdfast = await Holdfast.start();
    const { client, project } = holdfast;
    const refused = async (method: string, path: string, body: object): Promise<string> => {
      const answer = await client.call<{ code: string; detail: string }>(method, path, body);
      expect(answer).toMatchObject({ status: 422, body: { code: 'not-supported' } });
      return answer.body.detail;
    };
    const detail = await refused('POST', '/api/sessions', { projectPath: project, effort: 'high' });
    expect(detail).toMatch(/^The agent echo has no effort setting\. These have one: claude \(low, .*codex \(/);
    expect(await refused('POST', '/api/chat', { message: 'hi', projectPath: project, effort: 'high' })).toBe(detail);
    const { sessionId } = await client.ask({ message: 'hi', projectPath: project });
    expect(await refused('PATCH', `/api/sessions/${sessionId}`, { name: 'New', effort: 'high' })).toBe(detail);
    expect(await refused('POST', '/api/chat', { message: 'hi', sessionId, effort: 'high' })).toBe(detail);
    expect(await client.session(sessionId)).toMatchObject({ name: 'hi', effort: null });
    expect((await client.call('PATCH', `/api/sessions/${sessionId}`, { effort: null })).status).toBe(200);
    expect(await client.call('PATCH', `/api/sessions/${sessionId}`, { effort: '--high' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'effort' }] },
    });
  });

  it('[EF5] a model for an agent whose model cannot be chosen is refused, and changes nothing', async () => {
    holdfast = await Holdfast.start();
    const { client, project } = holdfast;
    const refusal = { status: 422, body: { code: 'not-supported', detail: expect.stringContaining('model of the agent echo') as string } };
    expect(await client.call('POST', '/api/sessions', { projectPath: project, model: 'large' })).toMatchObject(refusal);
    expect(await client.call('POST', '/api/chat', { message: 'hi', projectPath: project, model: 'large' })).toMatchObject(refusal);
    const { sessionId } = await client.ask({ message: 'hi', projectPath: project });
    expect(await client.call('PATCH', `/api/sessions/${sessionId}`, { name: 'New', model: 'large' })).toMatchObject(refusal);
    expect(await client.session(sessionId)).toMatchObject({ name: 'hi', model: null });
    expect((await client.call('PATCH', `/api/sessions/${sessionId}`, { model: null })).status).toBe(200);
  });

  it('[EF2] an effort holds from the next message on, in the same process, and in the one that resumes it', async () => {
    const staged = await claudeHoldfast();
    end = staged.dispose;
    const { model } = staged;
    const { client, project } = staged.holdfast;
    const thought = (message: string): (string | null)[] =>
      model.requests.flatMap((request) => (!request.side && request.lastUserText === message ? [request.effort] : []));
    const { sessionId } = await client.ask({ message: 'one', projectPath: project, effort: 'high' });
    const { pid } = await client.status(sessionId);
    await client.call('PATCH', `/api/sessions/${sessionId}`, { effort: 'low' });
    await client.ask({ message: 'two', sessionId });
    expect((await client.status(sessionId)).pid).toBe(pid);
    expect([thought('one'), thought('two')]).toEqual([['high'], ['low']]);
    await client.call('POST', `/api/sessions/${sessionId}/stop`);
    await client.ask({ message: 'three', sessionId });
    expect(thought('three')).toEqual(['low']);
    const copy = await client.call<SessionView>('POST', `/api/sessions/${sessionId}/fork`, {});
    expect(copy.body).toMatchObject({ effort: 'low' });
    const refused = await client.call('PATCH', `/api/sessions/${sessionId}`, { effort: 'minimal' });
    expect(refused).toMatchObject({
      status: 422,
      body: { detail: 'The agent claude has no effort "minimal"; it has: low, medium, high, xhigh, max.' },
    });
    const changed = (await client.events(sessionId)).filter(({ kind }) => kind === 'session.updated');
    expect(changed.map(({ data }) => data)).toEqual([{ effort: 'low' }]);
  });
});
