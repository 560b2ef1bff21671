import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/find-command.ts';
import type { ChatCompleted } from '../../server/contracts/views.ts';
import { steps, type Step } from '../../server/platform/probe.ts';
import { expectAnsweredOnce, expectNoHoles, tokens } from '../support/kill-checks.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

type Case = { step: Step; nth: number };
const cases = (table: Record<Step, number[]>): Case[] => steps.flatMap((step) => table[step].map((nth) => ({ step, nth })));

/** Of a message that begins a conversation. Its first commits: the message, the start of the process, written, ready. */
const ofTheFirst = cases({
  accepted: [1],
  recorded: [1],
  written: [1],
  marked: [1],
  read: [1, 2],
  committed: [1, 2, 3, 4],
  published: [1, 2, 4],
});
/** Of a message to an agent that lives; the first commit is the server's own start, the last ones are in the middle of the answer. */
const ofALater = cases({
  accepted: [1],
  recorded: [1],
  written: [1],
  marked: [1],
  read: [1, 2, 9, 20],
  committed: [1, 2, 3, 4, 14, 24],
  published: [1, 2, 3, 14],
});
/** Of a second message, which is sent while the first is being answered. */
const ofTheNext = cases({ accepted: [2], recorded: [2], written: [2], marked: [2], read: [], committed: [3], published: [3] });

describe('kill -9 of the server at a step of a message', () => {
  let claude: ClaudeHoldfast;
  let folders = 0;

  beforeAll(async () => {
    claude = await claudeHoldfast({ program: join(packageRoot, 'test/support/killable-server.ts') });
  });
  afterAll(() => claude.dispose());

  /** Sends messages to a server that dies at the step, then sends them again to one that lives, and waits for their answers. */
  async function sendThroughDeath(
    { step, nth }: Case,
    projectPath: string,
    messages: string[],
  ): Promise<{ sessionId: string; turns: { id: string; message: string; text: string }[] }> {
    const { holdfast } = claude;
    const bodies = messages.map((message) => ({ message, projectPath, messageId: randomUUID() }));
    await holdfast.stop();
    // It may die already while it starts: it commits that it found its agents.
    await holdfast.start({ KILL_AT: `${step}:${nth}` }).catch(() => undefined);
    for (const body of bodies) await holdfast.client.send(body).catch(() => null);
    await holdfast.ended();
    await holdfast.start();
    const answers: ChatCompleted[] = [];
    for (const body of bodies) answers.push(await holdfast.client.ask(body));
    const turns = bodies.map(({ messageId, message }, index) => ({ id: messageId, message, text: answers[index]?.content ?? '' }));
    return { sessionId: answers[0]?.sessionId ?? '', turns };
  }

  /** Each message is one turn, was seen once by the model, and has one answer, whole. */
  async function verify(sessionId: string, turns: { id: string; message: string; text: string }[], expected: string[]): Promise<void> {
    const { client } = claude.holdfast;
    expect(turns.map(({ text }) => text)).toEqual(expected);
    const events = await client.events(sessionId);
    expectNoHoles(events);
    const history = await client.messages(sessionId);
    const journals = claude.holdfast.incarnations().map((folder) => readFileSync(join(folder, 'in'), 'utf8'));
    for (const { id, message, text } of turns) {
      expect(claude.askedFor(message)).toBe(1);
      // The agent itself drops a repeated line; none may come to it in the first place.
      expect(journals.join('').split(JSON.stringify(message))).toHaveLength(2);
      expectAnsweredOnce(events, id, text);
      expect(history.filter(({ turnId }) => turnId === id).map((said) => [said.role, said.text])).toEqual([
        ['user', message],
        ['assistant', text],
      ]);
    }
    expect((await client.status(sessionId)).queued).toBe(0);
  }

  it.each(ofTheFirst)('[SE22] the first of a conversation, at $step ($nth): repeated, it is one turn with one whole answer', async (at) => {
    const { holdfast } = claude;
    const projectPath = holdfast.folder(`first-${(folders += 1)}`);
    const { sessionId, turns } = await sendThroughDeath(at, projectPath, [`tokens=30 delay=2 first ${folders}`]);
    await verify(sessionId, turns, [tokens(30)]);
    await holdfast.client.call('POST', `/api/sessions/${sessionId}/stop`);
  });

  describe('to an agent that lives', () => {
    let sessionId = '';
    let projectPath = '';
    let pid: number | undefined;
    let sent = 0;

    beforeAll(async () => {
      const { holdfast } = claude;
      projectPath = holdfast.folder('later');
      ({ sessionId } = await holdfast.client.ask({ message: 'remember the word fig', projectPath }));
      ({ pid } = await holdfast.client.status(sessionId));
    });

    it.each(ofALater)('[SE22] a later one, at $step ($nth): repeated, it is one turn with one whole answer', async (at) => {
      const done = await sendThroughDeath(at, projectPath, [`tokens=100 delay=7 later ${(sent += 1)}`]);
      expect(done.sessionId).toBe(sessionId);
      await verify(sessionId, done.turns, [tokens(100)]);
    });

    it.each(ofTheNext)('[SE22] one that waits behind another, at $step ($nth): both are answered once and in order', async (at) => {
      const messages = [`tokens=40 delay=3 one ${(sent += 1)}`, `tokens=20 two ${sent}`];
      const done = await sendThroughDeath(at, projectPath, messages);
      await verify(sessionId, done.turns, [tokens(40), tokens(20)]);
    });

    it('[SE22] after all of them it is the same process with the same memory', async () => {
      const { client } = claude.holdfast;
      expect(await client.ask({ message: 'what word', projectPath })).toMatchObject({ sessionId, content: 'The word is fig.' });
      expect((await client.status(sessionId)).pid).toBe(pid);
    });
  });
});
