import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startModelServer } from '../../cli/model/model-server.ts';
import { readTable } from '../../server/process/process-table.ts';
import { eventOf, journalOf, pidIn, runs } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { agentSandbox, type AgentSandbox } from '../support/sandbox.ts';

/** What an echo process printed in answer to a message, as whole lines, delta after delta. */
function deltasIn(out: string, messageId: string): string {
  const lines = readFileSync(out, 'utf8').split('\n').slice(0, -1);
  const printed = lines.map((line) => JSON.parse(line) as { type: string; message?: string; text: string });
  return printed.map((line) => (line.type === 'delta' && line.message?.startsWith(messageId) ? line.text : '')).join('');
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
}

/** What the CLI has written down of its conversations. */
function conversationsIn(home: string): string {
  const folder = join(home, '.claude/projects');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  return files.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}

describe('what an agent leaves behind', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    holdfast = await Holdfast.start();
  });
  afterAll(() => holdfast.dispose());

  it('[JN60] ends an agent whose wrapper was killed, reads what it said, and only then interrupts the turn', async () => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'remember the word plum', projectPath: holdfast.folder('wrapper') });
    const folder = await journalOf(holdfast, sessionId);
    const agent = pidIn(folder, 'agent');
    const { cursor, messageId } = (await client.send({ message: 'tokens=100000 delay=5', sessionId })).body;
    await eventOf(client, sessionId, 'text', cursor);
    process.kill(pidIn(folder, 'sh'), 'SIGKILL');
    const interrupted = await eventOf(client, sessionId, 'turn.interrupted', cursor);
    expect(runs(agent)).toBe(false);
    expect(interrupted).toMatchObject({ turnId: messageId, data: { reason: 'crashed' } });
    const events = await client.events(sessionId, cursor - 1);
    const said = events.flatMap((event) => (event.kind === 'text' && event.turnId === messageId ? [event.data.delta] : [])).join('');
    expect(said).toBe(deltasIn(join(folder, 'out'), messageId));
    expect(events.find((event) => event.kind === 'message')).toMatchObject({ data: { text: said, partial: true }, turnId: messageId });
    expect(events.at(-1)?.kind).toBe('session.exited');
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is plum.');
    expect((await client.status(sessionId)).pid).not.toBe(agent);
  });

  it('[SE60] ends with a session what its agent left running in a session of its own', async () => {
    const { client } = holdfast;
    const { sessionId, content } = await client.ask({ message: 'spawn: sleep 600', projectPath: holdfast.folder('spawn') });
    const left = Number(/^Started (\d+)$/.exec(content)?.[1]);
    expect(runs(left)).toBe(true);
    expect((await client.call('POST', `/api/sessions/${sessionId}/stop`)).status).toBe(200);
    expect(runs(left)).toBe(false);
  });

  it('[SE61] ends an agent that ignores TERM and the end of its input, and says that it was asked to', async () => {
    const { client } = holdfast;
    const { sessionId, messageId } = (
      await client.send({ message: 'ignore-term\ntokens=100000 delay=20', projectPath: holdfast.folder('stubborn') })
    ).body;
    await eventOf(client, sessionId, 'text');
    const { pid } = await client.status(sessionId);
    const { body } = await client.call<{ state: string; lastExit: unknown }>('POST', `/api/sessions/${sessionId}/stop`);
    expect(runs(pid ?? 0)).toBe(false);
    expect(body).toMatchObject({ state: 'dormant', lastExit: { reason: 'killed-by-user', exitCode: null, signal: 'SIGKILL' } });
    const ending = (await client.events(sessionId)).filter((event) => event.turnId === messageId && event.channel === 'turn').at(-1);
    expect(ending?.kind).toBe('turn.interrupted');
  });
});

describe('a Claude process that ends in its own ways', () => {
  let model: Awaited<ReturnType<typeof startModelServer>>;
  let sandbox: AgentSandbox;
  let holdfast: Holdfast;

  beforeAll(async () => {
    model = await startModelServer();
    sandbox = agentSandbox(model.url);
    holdfast = await Holdfast.start({ env: { ...sandbox.env, DEFAULT_AGENT: 'claude' } });
  });
  afterAll(async () => {
    await holdfast.dispose();
    sandbox.remove();
    await model.close();
  });

  it('[SE62] interrupts the turn of a killed agent within three seconds, and the next message has its context', async () => {
    const { client, project } = holdfast;
    const { sessionId } = await client.ask({ message: 'remember the word fig', projectPath: project });
    // The CLI writes its conversation down a moment after its answer.
    await eventually(() => conversationsIn(sandbox.home).includes('I will remember fig'));
    const { cursor } = (await client.send({ message: 'tokens=5000 delay=20', sessionId })).body;
    await eventOf(client, sessionId, 'text', cursor);
    const { pid } = await client.status(sessionId);
    const killedAt = Date.now();
    process.kill(pid ?? 0, 'SIGKILL');
    const interrupted = await eventOf(client, sessionId, 'turn.interrupted', cursor);
    expect(Date.parse(interrupted.at) - killedAt).toBeLessThan(3_000);
    const exited = await eventOf(client, sessionId, 'session.exited', cursor);
    expect(exited.data).toMatchObject({ reason: 'crashed', exitCode: null, signal: 'SIGKILL' });
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is fig.');
  });

  it('[SE63] ends a command that the Bash tool left running in a session of its own', async () => {
    const { client } = holdfast;
    const { sessionId, cursor } = (
      await client.send({ message: 'run: setsid sleep 654 >/dev/null 2>&1 &', projectPath: holdfast.folder('bash') })
    ).body;
    const asked = (await eventOf(client, sessionId, 'approval.requested', cursor)).data as { approvalId: string };
    await client.call('POST', `/api/sessions/${sessionId}/approvals/${asked.approvalId}`, { decision: 'allow' });
    await eventOf(client, sessionId, 'turn.completed', cursor);
    const mark = (await journalOf(holdfast, sessionId)).split('/').at(-1) ?? '';
    const sleeping = (): number[] =>
      [...readTable().values()].filter((row) => row.mark?.endsWith(`/${mark}`) && commandOf(row.pid) === 'sleep 654').map((row) => row.pid);
    const [left] = await eventually(() => (sleeping().length === 1 ? sleeping() : null));
    await client.call('POST', `/api/sessions/${sessionId}/stop`);
    expect(runs(left ?? 0)).toBe(false);
  });
});

describe('an agent that dies at its start', () => {
  it('[SE64] is tried three times, fails its message with a typed error, and works again when its command does', async () => {
    const model = await startModelServer();
    const sandbox = agentSandbox(model.url);
    const command = join(sandbox.env['HOME'] ?? '', 'broken-claude');
    writeFileSync(command, '#!/bin/sh\necho "no licence found" >&2\nexit 1\n', { mode: 0o700 });
    const holdfast = await Holdfast.start({ env: { ...sandbox.env, DEFAULT_AGENT: 'claude', CLAUDE_COMMAND: command } });
    try {
      const answer = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
      expect(answer).toMatchObject({ state: 'failed', content: '', error: { code: 'start-failed' } });
      const { sessionId } = answer;
      const events = await holdfast.client.events(sessionId);
      expect(events.filter((event) => event.kind === 'session.starting')).toHaveLength(3);
      expect(events.filter((event) => event.kind === 'session.exited').map((event) => event.data)).toEqual(
        Array.from({ length: 3 }, () => expect.objectContaining({ reason: 'start-failed', exitCode: 1 })),
      );
      expect(events.filter((event) => event.kind === 'turn.failed')).toHaveLength(1);
      expect(events.at(-1)).toMatchObject({ kind: 'session.failed', data: { code: 'start-failed' } });
      expect(await holdfast.client.session(sessionId)).toMatchObject({
        state: 'failed',
        failure: { code: 'start-failed', detail: expect.stringContaining('no licence found') },
      });
      await holdfast.stop();
      await holdfast.start({ CLAUDE_COMMAND: '' });
      expect((await holdfast.client.ask({ message: 'hello again', sessionId })).content).toBe('You said: hello again');
      expect(await holdfast.client.session(sessionId)).toMatchObject({ state: 'ready' });
    } finally {
      await holdfast.dispose();
      sandbox.remove();
      await model.close();
    }
  });
});
