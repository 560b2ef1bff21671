import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventOf } from '../support/agent-processes.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

/** A kind of event, and what of its data matters here. */
type Step = [string, unknown];

describe('a conversation that the real Claude CLI has lost', () => {
  let claude: ClaudeHoldfast;
  beforeAll(async () => {
    claude = await claudeHoldfast();
  });
  afterAll(() => claude.dispose());

  /** A conversation with something to remember, whose process has ended, and of which the CLI has nothing any more. */
  async function lostConversation(name: string): Promise<{ sessionId: string; cursor: number }> {
    const { holdfast, home } = claude;
    const { sessionId } = await holdfast.client.ask({ message: 'remember the word fig', projectPath: holdfast.folder(name) });
    await holdfast.client.call('POST', `/api/sessions/${sessionId}/stop`);
    rmSync(join(home, '.claude', 'projects'), { recursive: true });
    return { sessionId, cursor: (await holdfast.client.session(sessionId)).cursor };
  }

  /** What became of its processes after a seq, and what clients were told of the loss. */
  async function storyOf(sessionId: string, after: number): Promise<Step[]> {
    const events = await claude.holdfast.client.events(sessionId, after);
    return events.flatMap(({ kind, data }): Step[] => {
      if (kind === 'session.starting') return [[kind, data.resumed]];
      if (kind === 'session.exited') return [[kind, data.reason]];
      return kind === 'notice' ? [[kind, data.code]] : [];
    });
  }
  const lossAndNewBeginning: Step[] = [
    ['session.starting', true],
    ['notice', 'conversation-lost'],
    ['session.exited', 'start-failed'],
    ['session.starting', false],
  ];

  it('[SE36] begins a new one, says so once, answers the message there, and goes on from then', async () => {
    const { client } = claude.holdfast;
    const { sessionId, cursor } = await lostConversation('told');
    expect(await client.ask({ message: 'what word', sessionId })).toMatchObject({ state: 'completed', content: 'I know no word.' });
    expect(await storyOf(sessionId, cursor)).toEqual(lossAndNewBeginning);
    const notice = (await eventOf(client, sessionId, 'notice', cursor)).data as { detail: string };
    expect(notice.detail).toMatch(/begins a new one.*recap.*No conversation found/s);
    // The history still has it all, and the new conversation has a memory of its own, also over a hibernation.
    expect((await client.messages(sessionId)).map(({ text }) => text)).toContain('I will remember fig.');
    expect((await client.ask({ message: 'remember the word plum', sessionId })).content).toBe('I will remember plum.');
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is plum.');
    await client.call('POST', `/api/sessions/${sessionId}/stop`);
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is plum.');
    expect((await storyOf(sessionId, cursor)).slice(lossAndNewBeginning.length)).toEqual([
      ['session.exited', 'killed-by-user'],
      ['session.starting', true],
    ]);
  });

  it('[SE36] says so also where it was only woken, and the first message then finds a new one', async () => {
    const { client } = claude.holdfast;
    const { sessionId, cursor } = await lostConversation('woken');
    await client.call('POST', `/api/sessions/${sessionId}/wake`);
    await eventOf(client, sessionId, 'session.exited', cursor);
    expect(await client.session(sessionId)).toMatchObject({ state: 'dormant', lastExit: { reason: 'start-failed' } });
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('I know no word.');
    expect(await storyOf(sessionId, cursor)).toEqual(lossAndNewBeginning);
  });

  it('[SE36] a copy of one that is lost begins without it, and says so', async () => {
    const { client } = claude.holdfast;
    const { sessionId } = await lostConversation('copied');
    const { body: copy } = await client.call<{ sessionId: string; cursor: number }>('POST', `/api/sessions/${sessionId}/fork`, {});
    expect((await client.ask({ message: 'what word', sessionId: copy.sessionId })).content).toBe('I know no word.');
    expect(await storyOf(copy.sessionId, copy.cursor)).toEqual(lossAndNewBeginning);
  });

  it('[SE37] a start that fails for another reason loses nothing: the conversation is resumed as soon as its agent works', async () => {
    const { holdfast } = claude;
    const { sessionId, cursor } = await holdfast.client.ask({ message: 'remember the word fig', projectPath: holdfast.folder('kept') });
    await holdfast.client.call('POST', `/api/sessions/${sessionId}/stop`);
    await holdfast.stop();
    await holdfast.start({ CLAUDE_COMMAND: '/bin/false' });
    expect(await holdfast.client.ask({ message: 'what word', sessionId })).toMatchObject({
      state: 'failed',
      error: { code: 'start-failed' },
    });
    await holdfast.stop();
    await holdfast.start();
    expect((await holdfast.client.ask({ message: 'what word', sessionId })).content).toBe('The word is fig.');
    expect((await storyOf(sessionId, cursor)).map(([kind]) => kind)).not.toContain('notice');
  });
});
