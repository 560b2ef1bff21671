import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runs } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { expectAnsweredOnce, expectNoHoles, streamedText, tokens } from '../support/kill-checks.ts';
import type { RealAgent } from './agents.ts';
import { failingModel } from './failing-model.ts';
import { Stage } from './stage.ts';

/** What every agent must show, the real program through the whole server: a file per agent calls it, so that they run side by side. */
export function matrix(agent: RealAgent): void {
  describe('the matrix', () => conversations(agent));
  failingModel(agent);
}

function conversations(agent: RealAgent): void {
  let stage: Stage;
  afterEach(() => stage.close());
  const open = async (env?: Record<string, string>): Promise<Stage> => (stage = await Stage.open(agent, env));
  const file = (name: string): string => join(stage.holdfast.project, name);
  /** Waits until some of an answer has come. */
  const someText = (sessionId: string, messageId: string): Promise<unknown> =>
    eventually(async () => streamedText(await stage.events(sessionId), messageId).length > 10, 60);
  const hello = async (sessionId: string): Promise<void> => {
    expect((await stage.answer('hello again', sessionId)).text).toBe('You said: hello again');
  };

  it('[AG2] keeps the context over messages', async () => {
    await open();
    const { sessionId, text } = await stage.answer('remember the word marble');
    expect(text).toBe('I will remember marble.');
    expect((await stage.answer('what word', sessionId)).text).toBe('The word is marble.');
  });

  it('[AG3] streams its answer, which is told once and whole', async () => {
    await open();
    // Long enough that an agent which gets little of the CPU still tells it in pieces.
    const sent = await stage.send('tokens=100 delay=50');
    expect(await stage.end(sent)).toMatchObject({ kind: 'turn.completed' });
    const events = await stage.events(sent.sessionId);
    expectAnsweredOnce(events, sent.messageId, tokens(100));
    expectNoHoles(events);
    expect(events.filter(({ kind }) => kind === 'text').length).toBeGreaterThan(5);
  });

  describe('what it asks for', () => {
    it('[AG4] happens once it is allowed', async () => {
      await open();
      const sent = await stage.send(agent.touch('allowed.txt'));
      const { data } = await stage.next(sent.sessionId, 'approval.requested');
      expect(existsSync(file('allowed.txt'))).toBe(false);
      await stage.decide(sent.sessionId, data.approvalId, 'allow');
      expect(await stage.end(sent)).toMatchObject({ kind: 'turn.completed' });
      expect(existsSync(file('allowed.txt'))).toBe(true);
      const tools = (await stage.events(sent.sessionId)).filter(({ kind }) => kind.startsWith('tool.') && kind !== 'tool.updated');
      expect(tools).toMatchObject([{ kind: 'tool.started' }, { kind: 'tool.finished', data: { ok: true } }]);
    });

    it('[AG5] does not happen once it is denied, and the session goes on', async () => {
      await open();
      const sent = await stage.send(agent.touch('denied.txt'));
      const { data } = await stage.next(sent.sessionId, 'approval.requested');
      await stage.decide(sent.sessionId, data.approvalId, 'deny');
      await stage.end(sent);
      await hello(sent.sessionId);
      expect(existsSync(file('denied.txt'))).toBe(false);
    });

    it('[AG6] waits over a restart of the server', async () => {
      await open();
      const sent = await stage.send(agent.touch('later.txt'));
      const { data } = await stage.next(sent.sessionId, 'approval.requested');
      const pid = await stage.pid(sent.sessionId);
      await stage.restart();
      await stage.decide(sent.sessionId, data.approvalId, 'allow');
      expect(await stage.end(sent)).toMatchObject({ kind: 'turn.completed' });
      expect(existsSync(file('later.txt'))).toBe(true);
      expect(await stage.pid(sent.sessionId)).toBe(pid);
    });

    it('[AG7] is answered when its turn is cancelled, and the session goes on', async () => {
      await open();
      const sent = await stage.send(agent.touch('never.txt'));
      await stage.next(sent.sessionId, 'approval.requested');
      await stage.call(`/api/sessions/${sent.sessionId}/cancel`);
      expect(await stage.end(sent)).toMatchObject({ kind: 'turn.cancelled' });
      await hello(sent.sessionId);
      expect(existsSync(file('never.txt'))).toBe(false);
    });
  });

  it('[AG8] gives up an answer in mid-stream and goes on in the same process', async () => {
    await open();
    const sent = await stage.send('tokens=2000 delay=50');
    await someText(sent.sessionId, sent.messageId);
    const pid = await stage.pid(sent.sessionId);
    await stage.call(`/api/sessions/${sent.sessionId}/cancel`);
    expect(await stage.end(sent)).toMatchObject({ kind: 'turn.cancelled' });
    await hello(sent.sessionId);
    expect(await stage.pid(sent.sessionId)).toBe(pid);
  });

  it('[AG9] takes a cancel at any moment, also before it has begun', async () => {
    await open();
    const { sessionId } = await stage.answer('hello');
    for (let round = 0; round < 5; round++) {
      const sent = await stage.send('tokens=2000 delay=50', sessionId);
      await stage.call(`/api/sessions/${sessionId}/cancel`);
      expect(await stage.end(sent)).toMatchObject({ kind: 'turn.cancelled' });
    }
    await hello(sessionId);
  });

  it('[AG10] outlives a killed server: the whole answer comes from the same process', async () => {
    await open();
    const sent = await stage.send('tokens=120 delay=30');
    await someText(sent.sessionId, sent.messageId);
    const pid = await stage.pid(sent.sessionId);
    await stage.restart();
    expect(await stage.end(sent)).toMatchObject({ kind: 'turn.completed' });
    const events = await stage.events(sent.sessionId);
    expectAnsweredOnce(events, sent.messageId, tokens(120));
    expectNoHoles(events);
    expect(await stage.pid(sent.sessionId)).toBe(pid);
    expect(stage.model.requests.filter(({ side }) => !side)).toHaveLength(1);
  });

  it('[AG11] is resumed with its context when it was killed', async () => {
    await open();
    const { sessionId } = await stage.answer('remember the word fig');
    // A conversation is saved a moment after its answer.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const pid = await stage.pid(sessionId);
    process.kill(pid, 'SIGKILL');
    await eventually(async () => (await stage.events(sessionId)).some(({ kind }) => kind === 'session.exited'), 60);
    expect((await stage.answer('what word', sessionId)).text).toBe('The word is fig.');
    expect(await stage.pid(sessionId)).not.toBe(pid);
  });

  it('[AG16] is interrupted where it was killed in mid-answer, and goes on with what was said before', async () => {
    await open();
    const { sessionId } = await stage.answer('remember the word pear');
    const sent = await stage.send('tokens=2000 delay=50', sessionId);
    await someText(sessionId, sent.messageId);
    process.kill(await stage.pid(sessionId), 'SIGKILL');
    expect(await stage.end(sent)).toMatchObject({ kind: 'turn.interrupted' });
    expect((await stage.answer('what word', sessionId)).text).toBe('The word is pear.');
  });

  it('[AG12] is hibernated for another session, and woken with its context', async () => {
    await open({ MAX_CONCURRENT_SESSIONS: '1' });
    const { sessionId } = await stage.answer('remember the word plum');
    const other = stage.holdfast.folder('other');
    expect((await stage.holdfast.client.ask({ message: 'hello', projectPath: other })).content).toBe('You said: hello');
    expect(await stage.next(sessionId, 'session.exited')).toMatchObject({ data: { reason: 'hibernated' } });
    await stage.call(`/api/sessions/${sessionId}/wake`);
    expect((await stage.answer('what word', sessionId)).text).toBe('The word is plum.');
    expect((await stage.events(sessionId)).filter(({ kind, data }) => kind === 'notice' && data.code === 'conversation-lost')).toEqual([]);
  });

  const { efforts } = agent;
  if ('none' in efforts) {
    it(`[EF1] can not be told how hard to think: ${efforts.none}`, async () => {
      const { holdfast } = await open();
      const { status, body } = await holdfast.client.call('POST', '/api/sessions', { projectPath: holdfast.project, effort: 'high' });
      expect({ status, body }).toMatchObject({ status: 422, body: { code: 'not-supported' } });
    });
  } else {
    it('[AG17] thinks as hard as its session says, from the next message on and when it is resumed, and as by itself for null', async () => {
      const [first, second] = efforts;
      const { holdfast, model } = await open();
      const path = (sessionId: string): string => `/api/sessions/${sessionId}`;
      const thought = async (message: string, sessionId: string): Promise<string | null | undefined> => {
        await stage.answer(message, sessionId);
        return model.requests.find((request) => !request.side && request.lastUserText === message)?.effort;
      };
      const made = async (effort: string | null): Promise<string> => {
        const body = { projectPath: holdfast.project, mode: 'ask', effort };
        return (await holdfast.client.call<{ sessionId: string }>('POST', '/api/sessions', body)).body.sessionId;
      };
      const own = await thought('by itself', await made(null));
      const sessionId = await made(first);
      expect(await thought('one', sessionId)).toBe(first);
      await holdfast.client.call('PATCH', path(sessionId), { effort: second });
      expect(await thought('two', sessionId)).toBe(second);
      await stage.call(`${path(sessionId)}/stop`);
      expect(await thought('three', sessionId)).toBe(second);
      await stage.call(`${path(sessionId)}/stop`);
      await holdfast.client.call('PATCH', path(sessionId), { effort: null });
      // One may keep what a conversation had last, and not tell what it would do by itself: its entry says so.
      expect(await thought('four', sessionId)).toBe(agent.keepsEffort === undefined ? own : second);
      const other = await made(first);
      await thought('five', other);
      await holdfast.client.call('PATCH', path(other), { effort: null });
      expect(await thought('six', other)).toBe(own);
    }, 240_000);
  }

  it('[AG14] leaves no process when its session is stopped, whatever it ran', async () => {
    await open();
    const sent = await stage.send(`${agent.touch('begun.txt')} && sleep 1000`);
    const asked = await stage.next(sent.sessionId, 'approval.requested');
    await stage.decide(sent.sessionId, asked.data.approvalId, 'allow');
    await eventually(() => existsSync(file('begun.txt')), 60);
    const pids = stage.processes();
    await stage.call(`/api/sessions/${sent.sessionId}/stop`);
    await eventually(() => stage.processes().length === 0 && !pids.some(runs), 60);
  });
}
