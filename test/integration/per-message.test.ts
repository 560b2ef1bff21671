import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

describe('SESSION_MODE=per-message, with the real Claude CLI', () => {
  let claude: ClaudeHoldfast;

  beforeAll(async () => {
    claude = await claudeHoldfast({ env: { SESSION_MODE: 'per-message' } });
  });
  afterAll(() => claude.dispose());

  /** The pids of the processes that a session has had. */
  async function pidsOf(sessionId: string): Promise<number[]> {
    const events = await claude.holdfast.client.events(sessionId);
    return events.flatMap((event) => (event.kind === 'session.ready' ? [event.data.pid] : []));
  }

  it('[PM1] each message has a process of its own, which ends as finished, and the conversation goes on', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('each');
    const { sessionId } = await client.ask({ message: 'remember the word kiwi', projectPath });
    for (const message of ['one more', 'what word']) {
      await eventually(async () => (await client.status(sessionId)).state === 'dormant');
      expect(await client.status(sessionId)).toMatchObject({ lastExit: { reason: 'finished', exitCode: 0 } });
      const answer = await client.ask({ message, projectPath });
      expect(answer).toMatchObject({ sessionId, state: 'completed' });
      if (message === 'what word') expect(answer.content).toBe('The word is kiwi.');
    }
    expect(new Set(await pidsOf(sessionId)).size).toBe(3);
  });

  it('[PM2] messages that wait behind a turn are answered by its process, and only then it ends', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('queue');
    const { body } = await client.send({ message: 'tokens=30 delay=20', projectPath });
    const [second, third] = await Promise.all([
      client.ask({ message: 'remember the word plum', sessionId: body.sessionId }),
      client.ask({ message: 'what word', sessionId: body.sessionId }),
    ]);
    expect([second.state, third.content]).toEqual(['completed', 'The word is plum.']);
    await eventually(async () => (await client.status(body.sessionId)).state === 'dormant');
    expect(await pidsOf(body.sessionId)).toHaveLength(1);
  });

  it('[PM3] a message that comes while the process ends is answered by the next one', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('race');
    await client.ask({ message: 'remember the word fig', projectPath });
    for (let round = 0; round < 3; round += 1)
      expect(await client.ask({ message: 'what word', projectPath })).toMatchObject({ content: 'The word is fig.' });
  });

  it('[PM4] the switch works both ways on the next start: idle processes of the other mode end, one at work answers first', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    await holdfast.stop();
    await holdfast.start({ SESSION_MODE: 'keep-alive' });
    const projectPath = holdfast.folder('switch');
    const { sessionId } = await holdfast.client.ask({ message: 'remember the word lime', projectPath });
    await holdfast.client.ask({ message: 'again', projectPath });
    expect(await pidsOf(sessionId)).toHaveLength(1);
    expect(await holdfast.client.status(sessionId)).toMatchObject({ state: 'ready' });
    const busy = (await holdfast.client.send({ message: 'tokens=60 delay=40', projectPath: holdfast.folder('busy') })).body;
    await eventually(async () => (await holdfast.client.status(busy.sessionId)).turn?.state === 'running');
    await holdfast.kill();
    await holdfast.start();
    expect(client.url).not.toBe(holdfast.client.url);
    await eventually(async () => (await holdfast.client.status(sessionId)).lastExit?.reason === 'finished');
    await eventually(async () => (await holdfast.client.status(busy.sessionId)).lastExit?.reason === 'finished');
    const [answer] = (await holdfast.client.messages(busy.sessionId)).slice(-1);
    expect(answer).toMatchObject({ role: 'assistant', state: 'completed' });
    expect(answer?.text.endsWith('w60')).toBe(true);
    expect(await holdfast.client.ask({ message: 'what word', projectPath })).toMatchObject({ sessionId, content: 'The word is lime.' });
  });
});
