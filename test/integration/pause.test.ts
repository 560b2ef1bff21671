import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatAccepted } from '../../server/contracts/views.ts';
import { eventOf, journalOf, pidIn, runs } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { expectAnsweredOnce, expectNoHoles, tokens } from '../support/kill-checks.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';
import { markedPids, stateOf } from '../support/live-processes.ts';

describe('pause with the real Claude CLI', () => {
  let claude: ClaudeHoldfast;
  beforeAll(async () => {
    claude = await claudeHoldfast();
  });
  afterAll(() => claude.dispose());

  const act = (sessionId: string, what: string) =>
    claude.holdfast.client.call<{ state: string; code?: string }>('POST', `/api/sessions/${sessionId}/${what}`);

  /** Waits until the agent and what it has started stand still: all but the shell that waits for its end and the tail that feeds it. */
  async function expectStill(sessionId: string): Promise<void> {
    const folder = await journalOf(claude.holdfast, sessionId);
    const incarnation = basename(folder);
    const { pid } = await claude.holdfast.client.status(sessionId);
    const pids = [...markedPids(claude.holdfast)].flatMap(([each, mark]) => (mark === incarnation ? [each] : []));
    const bystanders = (['sh', 'tail'] as const).map((name) => pidIn(folder, name));
    expect(pids).toContain(pid);
    // A thread stops when it is next given a core.
    for (const each of pids.filter((one) => !bystanders.includes(one))) await eventually(() => stateOf(each) === 'T', 5);
  }

  async function accepted(message: string, sessionId: string): Promise<ChatAccepted> {
    const { status, body } = await claude.holdfast.client.send({ message, sessionId });
    expect(status).toBe(202);
    return body;
  }

  it('[PS2] in mid-answer all its processes stand still, messages wait, and after resume everything is answered, once', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const { body } = await client.send({ message: 'tokens=300 delay=5', projectPath: holdfast.folder('still') });
    await eventOf(client, body.sessionId, 'text');
    const { pid } = await client.status(body.sessionId);
    expect(await act(body.sessionId, 'pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    await expectStill(body.sessionId);
    const waits = await accepted('and then', body.sessionId);
    // What was in the file already is told; then nothing more comes.
    let cursor = -1;
    await eventually(async () => {
      const before = cursor;
      cursor = (await client.session(body.sessionId)).cursor;
      await new Promise((resolve) => setTimeout(resolve, 400));
      return before === cursor;
    });
    const { state, queued, turn } = await client.status(body.sessionId);
    expect({ state, queued, turn }).toMatchObject({ state: 'paused', queued: 1, turn: { id: body.messageId, state: 'running' } });
    expect(await act(body.sessionId, 'resume')).toMatchObject({ status: 200, body: { state: 'working' } });
    await eventually(async () => (await client.status(body.sessionId)).state === 'ready');
    const events = await client.events(body.sessionId);
    expectNoHoles(events);
    expectAnsweredOnce(events, body.messageId, tokens(300));
    expectAnsweredOnce(events, waits.messageId, 'You said: and then');
    expect(events.map(({ kind }) => kind).filter((kind) => /paused|resumed/.test(kind))).toEqual(['session.paused', 'session.resumed']);
    expect((await client.status(body.sessionId)).pid).toBe(pid);
  });

  it.each(['stop', 'kill'] as const)(
    '[PS3] it is still paused after a %s and a start of the server, resumes, and answers what waited',
    async (how) => {
      const { holdfast } = claude;
      const { sessionId } = await holdfast.client.ask({ message: `remember the word ${how}`, projectPath: holdfast.folder(how) });
      const { pid } = await holdfast.client.status(sessionId);
      await act(sessionId, 'pause');
      const waits = await accepted('what word', sessionId);
      await holdfast[how]();
      expect(stateOf(pid ?? 0)).toBe('T');
      await holdfast.start();
      expect(await holdfast.client.status(sessionId)).toMatchObject({
        state: 'paused',
        pid,
        turn: { id: waits.messageId, state: 'accepted' },
      });
      await expectStill(sessionId);
      expect((await act(sessionId, 'resume')).status).toBe(200);
      const { data } = await eventOf(holdfast.client, sessionId, 'turn.completed', waits.cursor);
      expect(data).toMatchObject({ text: `The word is ${how}.` });
      expect((await holdfast.client.status(sessionId)).pid).toBe(pid);
    },
  );

  it('[PS4] stop ends a paused session, and the next message resumes the conversation', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'remember the word lime', projectPath: holdfast.folder('stopped') });
    const { pid } = await client.status(sessionId);
    await act(sessionId, 'pause');
    const waits = await accepted('never mind', sessionId);
    expect(await act(sessionId, 'stop')).toMatchObject({ status: 200, body: { state: 'dormant', lastExit: { reason: 'killed-by-user' } } });
    expect(runs(pid ?? 0)).toBe(false);
    const ends = (await client.events(sessionId)).filter(({ turnId }) => turnId === waits.messageId);
    expect(ends.at(-1)?.kind).toBe('turn.cancelled');
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is lime.');
  });

  it('[PS5] a paused agent that is killed is noticed, and its message is answered by a new one', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'remember the word pear', projectPath: holdfast.folder('killed') });
    const { pid = 0 } = await client.status(sessionId);
    await act(sessionId, 'pause');
    const waits = await accepted('hello', sessionId);
    process.kill(pid, 'SIGKILL');
    await eventOf(client, sessionId, 'session.exited', waits.cursor - 1);
    const { data } = await eventOf(client, sessionId, 'turn.completed', waits.cursor);
    expect(data).toMatchObject({ text: 'You said: hello' });
    expect(await client.status(sessionId)).toMatchObject({ lastExit: { reason: 'crashed', signal: 'SIGKILL' } });
  });

  it('[PS6] a session without a process cannot be paused, and pausing or resuming twice is nothing new', async () => {
    const { holdfast } = claude;
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.folder('twice') });
    const paused = (await act(sessionId, 'pause')).body;
    expect(paused.state).toBe('paused');
    expect(await act(sessionId, 'pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    for (const what of ['resume', 'resume']) expect((await act(sessionId, what)).body.state).toBe('ready');
    const kinds = (await holdfast.client.events(sessionId)).map(({ kind }) => kind).filter((kind) => /paused|resumed/.test(kind));
    expect(kinds).toEqual(['session.paused', 'session.resumed']);
    await act(sessionId, 'stop');
    for (const what of ['pause', 'resume'])
      expect(await act(sessionId, what)).toMatchObject({ status: 409, body: { code: 'session-busy' } });
  });
});
