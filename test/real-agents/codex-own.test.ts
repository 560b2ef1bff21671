import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/find-command.ts';
import { codexProtocol } from '../../scripts/codex-protocol.ts';
import type { AgentsView } from '../../server/contracts/server-views.ts';
import { codex } from './agents.ts';
import { programOf } from './programs.ts';
import { Stage } from './stage.ts';

it('[CX1] the protocol is the one that the installed codex prints', () => {
  expect(readFileSync(join(packageRoot, 'server/agents/codex/protocol.ts'), 'utf8')).toBe(codexProtocol(programOf('codex')));
});

describe('the real codex', () => {
  let stage: Stage;
  afterEach(() => stage.close());

  const sessions = (home: string): string => join(home, '.codex/sessions');
  it.each<[string, (home: string) => void]>([
    ['has lost a conversation', (home) => rmSync(sessions(home), { recursive: true })],
    [
      'finds a conversation emptied',
      (home) => {
        const files = readdirSync(sessions(home), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
        for (const name of files) writeFileSync(join(sessions(home), name), '');
      },
    ],
  ])('[CX9] that %s begins a new one in the same process, and says so once', async (_, lose) => {
    stage = await Stage.open(codex);
    const { sessionId } = await stage.answer('remember the word fig');
    await stage.call(`/api/sessions/${sessionId}/stop`);
    lose(stage.home);
    const { cursor } = await stage.holdfast.client.session(sessionId);
    expect((await stage.answer('what word', sessionId)).text).toBe('I know no word.');
    const events = await stage.events(sessionId, cursor);
    expect(events.filter(({ kind, data }) => kind === 'notice' && data.code === 'conversation-lost')).toHaveLength(1);
    expect(events.filter(({ kind }) => kind === 'session.starting')).toHaveLength(1);
    // The new one is resumed from then on.
    await stage.answer('remember the word plum', sessionId);
    await stage.call(`/api/sessions/${sessionId}/stop`);
    expect((await stage.answer('what word', sessionId)).text).toBe('The word is plum.');
  });

  it('[CX6] is told with a denial why', async () => {
    stage = await Stage.open(codex);
    const sent = await stage.send('run: touch denied.txt');
    const { data } = await stage.next(sent.sessionId, 'approval.requested');
    const place = `/api/sessions/${sent.sessionId}/approvals/${data.approvalId}`;
    await stage.call(place, { decision: 'deny', message: 'Not on a Friday.' });
    expect(await stage.end(sent)).toMatchObject({ kind: 'turn.completed', data: { text: 'You said: Not on a Friday.' } });
  });

  it('[CX4] is allowed something for its session once, and does not ask again', async () => {
    stage = await Stage.open(codex);
    const sent = await stage.send('run: touch always.txt');
    const { data } = await stage.next(sent.sessionId, 'approval.requested');
    await stage.decide(sent.sessionId, data.approvalId, 'allow-always');
    await stage.end(sent);
    rmSync(join(stage.holdfast.project, 'always.txt'));
    await stage.answer('run: touch always.txt', sent.sessionId);
    expect(existsSync(join(stage.holdfast.project, 'always.txt'))).toBe(true);
    expect((await stage.events(sent.sessionId)).filter(({ kind }) => kind === 'approval.requested')).toHaveLength(1);
  });

  it('[CX7] edits without asking once its session is in accept-edits, and asks before', async () => {
    stage = await Stage.open(codex);
    const first = await stage.send('write: ./asked.txt some words');
    const { data } = await stage.next(first.sessionId, 'approval.requested');
    expect(data).toMatchObject({ tool: 'apply_patch', title: `apply_patch: ${join(stage.holdfast.project, 'asked.txt')}` });
    await stage.decide(first.sessionId, data.approvalId, 'deny');
    await stage.end(first);
    await stage.holdfast.client.call('PATCH', `/api/sessions/${first.sessionId}`, { mode: 'accept-edits' });
    await stage.answer('write: ./unasked.txt some words', first.sessionId);
    expect(existsSync(join(stage.holdfast.project, 'asked.txt'))).toBe(false);
    expect(readFileSync(join(stage.holdfast.project, 'unasked.txt'), 'utf8')).toBe('some words\n');
  });

  it('[CMD5] runs without its npm shim, and is listed with its version', async () => {
    stage = await Stage.open(codex);
    const { sessionId } = await stage.answer('hello');
    const program = readFileSync(`/proc/${await stage.pid(sessionId)}/cmdline`, 'utf8').split('\0')[0] ?? '';
    expect(program).toMatch(/vendor\/[^/]+\/bin\/codex$/);
    const { body } = await stage.holdfast.client.call<AgentsView>('GET', '/api/agents');
    expect(body.agents).toContainEqual(expect.objectContaining({ agent: 'codex', installed: true, version: '0.169.0', command: program }));
  });

  it('[CX15] asks before it uses a tool of an MCP server, which it uses once it is allowed and not once it is denied', async () => {
    const used = (): boolean => existsSync(join(stage.holdfast.project, 'used'));
    const program = `
      const say = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
      const tool = { name: 'touch', inputSchema: { type: 'object', properties: {} }, annotations: { destructiveHint: true } };
      require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const { id, method, params } = JSON.parse(line);
        if (method === 'initialize')
          say(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'files', version: '1' } });
        else if (method === 'tools/list') say(id, { tools: [tool] });
        else if (method === 'tools/call') {
          require('node:fs').writeFileSync('used', '');
          say(id, { content: [{ type: 'text', text: 'touched' }] });
        }
      });`;
    const prepare = (home: string, modelUrl: string): Record<string, string> => {
      const env = codex.prepare(home, modelUrl);
      const args = JSON.stringify(['-e', program]);
      appendFileSync(join(home, '.codex/config.toml'), `\n[mcp_servers.files]\ncommand = "${process.execPath}"\nargs = ${args}\n`);
      return env;
    };
    stage = await Stage.open({ ...codex, prepare });
    const denied = await stage.send('mcp: files touch');
    const { data } = await stage.next(denied.sessionId, 'approval.requested');
    expect(data).toMatchObject({ tool: 'files.touch', title: expect.stringContaining('run tool "touch"') as string });
    await stage.decide(denied.sessionId, data.approvalId, 'deny');
    await stage.end(denied);
    expect(used()).toBe(false);
    const allowed = await stage.send('mcp: files touch', denied.sessionId);
    const asked = await stage.next(allowed.sessionId, 'approval.requested', allowed.cursor);
    await stage.decide(allowed.sessionId, asked.data.approvalId, 'allow-always');
    expect(await stage.end(allowed)).toMatchObject({
      kind: 'turn.completed',
      data: { text: expect.stringContaining('touched') as string },
    });
    expect(used()).toBe(true);
    const again = await stage.send('mcp: files touch', denied.sessionId);
    expect(await stage.end(again)).toMatchObject({ kind: 'turn.completed' });
    expect((await stage.events(denied.sessionId, again.cursor)).filter(({ kind }) => kind === 'approval.requested')).toEqual([]);
  });

  it('[CX14] that can not begin a conversation says why at once, and works when that is mended', async () => {
    stage = await Stage.open(codex);
    const config = join(stage.home, '.codex/config.toml');
    const good = readFileSync(config, 'utf8');
    writeFileSync(config, good.replace('model_provider = "scripted"', 'model_provider = "nobody"'));
    const { sessionId, end } = await stage.ask('hello', undefined, 20);
    expect(end).toMatchObject({ kind: 'turn.failed', data: { code: 'start-failed', detail: expect.stringContaining('nobody') as string } });
    writeFileSync(config, good);
    await stage.answer('remember the word fig', sessionId);
    // Nor is a conversation lost by it.
    await stage.call(`/api/sessions/${sessionId}/stop`);
    writeFileSync(config, `${good}\nthis is no TOML`);
    expect((await stage.ask('what word', sessionId, 20)).end).toMatchObject({ kind: 'turn.failed', data: { code: 'start-failed' } });
    writeFileSync(config, good);
    expect((await stage.answer('what word', sessionId)).text).toBe('The word is fig.');
  });

  it('[CX10] reports what each turn used', async () => {
    stage = await Stage.open(codex);
    const { sessionId, end } = await stage.ask('tokens=7');
    expect(end).toMatchObject({ kind: 'turn.completed', data: { usage: { outputTokens: 7 } } });
    expect((await stage.ask('tokens=9', sessionId)).end).toMatchObject({ data: { usage: { outputTokens: 9 } } });
    expect(await stage.holdfast.client.status(sessionId)).toMatchObject({ usage: { outputTokens: 16 } });
  });
});
