import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { agentEntry } from '../../config/agents.ts';
import { eventually } from '../support/eventually.ts';
import { copilot, gemini, opencode } from './agents.ts';
import { Stage } from './stage.ts';

/** Ports of this machine that a process listens on. */
function portsOf(pid: number): number[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return ''; // closed meanwhile
      }
    }),
  );
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const listening = rows.filter((row) => row[3] === '0A' && sockets.has(`socket:[${row[9]}]`));
  return listening.map((row) => parseInt(row[1]?.split(':')[1] ?? '0', 16));
}

describe('the real agents of the Agent Client Protocol', () => {
  let stage: Stage;
  afterEach(() => stage.close());

  it.each([
    [copilot, '.copilot'],
    [opencode, '.local/share/opencode'],
    [gemini, '.gemini/tmp'],
  ])('[ACP3] $agent begins anew where it has lost a conversation, in the same process, and says so once', async (agent, memory) => {
    stage = await Stage.open(agent);
    const { sessionId } = await stage.answer('remember the word fig');
    await stage.call(`/api/sessions/${sessionId}/stop`);
    rmSync(join(stage.home, memory), { recursive: true });
    const { cursor } = await stage.holdfast.client.session(sessionId);
    expect((await stage.answer('what word', sessionId)).text).toBe('I know no word.');
    const events = await stage.events(sessionId, cursor);
    expect(events.filter(({ kind, data }) => kind === 'notice' && data.code === 'conversation-lost')).toHaveLength(1);
    expect(events.filter(({ kind }) => kind === 'session.starting')).toHaveLength(1);
    await stage.answer('remember the word plum', sessionId);
    await stage.call(`/api/sessions/${sessionId}/stop`);
    expect((await stage.answer('what word', sessionId)).text).toBe('The word is plum.');
  });

  it.each([copilot, opencode, gemini])(
    '[ACP7] $agent edits without asking once its session is in accept-edits, and asks before',
    async (agent) => {
      stage = await Stage.open(agent);
      const path = (name: string): string => join(stage.holdfast.project, name);
      const sent = await stage.send(`write: ${path('asked.txt')} some words`);
      const { data } = await stage.next(sent.sessionId, 'approval.requested');
      expect(data).toMatchObject({ tool: 'edit', title: expect.stringContaining('asked.txt') as string });
      await stage.decide(sent.sessionId, data.approvalId, 'allow');
      await stage.end(sent);
      await stage.holdfast.client.call('PATCH', `/api/sessions/${sent.sessionId}`, { mode: 'accept-edits' });
      await stage.answer(`write: ${path('unasked.txt')} some words`, sent.sessionId);
      expect(readFileSync(path('unasked.txt'), 'utf8').trim()).toBe('some words');
      const run = await stage.send('run: touch by-command.txt', sent.sessionId);
      await stage.next(sent.sessionId, 'approval.requested', run.cursor);
      expect(existsSync(path('by-command.txt'))).toBe(false);
    },
  );

  it('[EF3] opencode thinks as hard as it was told also with another model, and where only that can be told', async () => {
    const prepare = (home: string, modelUrl: string): Record<string, string> => {
      const env = opencode.prepare(home, modelUrl);
      const file = join(home, '.config/opencode/opencode.json');
      const config = JSON.parse(readFileSync(file, 'utf8')) as {
        model: string;
        provider: { scripted: { models: Record<string, object> } };
      };
      const { models } = config.provider.scripted;
      config.provider.scripted.models = {
        ...models,
        other: { ...models.scripted, name: 'Other' },
        plain: { ...models.scripted, reasoning: false },
      };
      writeFileSync(file, JSON.stringify({ ...config, model: 'scripted/plain' }));
      return env;
    };
    stage = await Stage.open({ ...opencode, prepare });
    const { client, project } = stage.holdfast;
    const begun = { projectPath: project, mode: 'ask', effort: 'high', model: 'scripted/scripted' };
    const { sessionId } = (await client.call<{ sessionId: string }>('POST', '/api/sessions', begun)).body;
    const asked = async (message: string): Promise<unknown> => {
      await stage.answer(message, sessionId);
      return stage.model.requests.find((request) => !request.side && request.lastUserText === message);
    };
    expect(await asked('one')).toMatchObject({ model: 'scripted', effort: 'high' });
    await client.call('PATCH', `/api/sessions/${sessionId}`, { model: 'scripted/other' });
    expect(await asked('two')).toMatchObject({ model: 'other', effort: 'high' });
    await client.call('PATCH', `/api/sessions/${sessionId}`, { model: 'scripted/plain' });
    expect(await asked('three')).toMatchObject({ model: 'plain', effort: null });
    const notices = (await stage.events(sessionId)).flatMap(({ kind, data }) => (kind === 'notice' ? [data.code] : []));
    expect(notices).toEqual(['effort-refused']);
  });

  it.skipIf(process.platform !== 'linux')('[ACP13] opencode lets nobody in at its port without its password', async () => {
    stage = await Stage.open(opencode);
    const { sessionId } = await stage.answer('hello');
    const pid = await stage.pid(sessionId);
    const [port] = await eventually(() => (portsOf(pid).length > 0 ? portsOf(pid) : undefined));
    expect((await fetch(`http://127.0.0.1:${port}/session`)).status).toBe(401);
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const secret = environment.find((line) => line.startsWith(`${agentEntry('opencode')?.secretEnv?.[0]}=`));
    expect(secret?.split('=')[1]).toMatch(/^[\w-]{32}$/);
  });

  it('[ACP17] opencode leaves nothing in its folder for temporary files', async () => {
    stage = await Stage.open(opencode);
    const { sessionId } = await stage.answer('hello');
    const [folder = ''] = stage.holdfast.incarnations();
    const temporary = join(folder, 'tmp');
    // It unpacks a library there; when it no longer does, its entry in the catalogue needs no variable for it.
    expect(readdirSync(temporary)).toContainEqual(expect.stringMatching(/\.so$|\.dylib$/));
    expect(readdirSync(join(stage.home, '../tmp')).filter((name) => /\.(so|dylib)$/.test(name))).toEqual([]);
    process.kill(await stage.pid(sessionId), 'SIGKILL');
    await eventually(() => !existsSync(temporary));
  });
});
