import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPid } from '../../server/process/journal-folder.ts';
import { eventually } from '../support/eventually.ts';
import { expectAnsweredOnce, expectNoHoles, streamedText, tokens } from '../support/kill-checks.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';
import { Follower } from '../support/kill-follower.ts';
import { Random, seedOf } from '../support/kill-random.ts';

interface Run {
  seed: number;
  kills: number;
}

/** Seeds that have failed once, each with the number of kills after which it did. */
const keptSeeds: Run[] = [];
const KILLS = 50;
/** First messages whose agents are killed into. */
const STARTS = Number(process.env['KILL_STARTS'] ?? 8);
const runs: [Run, ...Run[]] = [{ seed: seedOf('KILL_SEED'), kills: KILLS }, ...keptSeeds];

describe('kill -9 of the server', () => {
  let claude: ClaudeHoldfast;

  beforeAll(async () => {
    claude = await claudeHoldfast();
  });
  afterAll(() => claude.dispose());

  /** A conversation that has something to remember, and a client that follows it. */
  async function begin(name: string): Promise<{ sessionId: string; projectPath: string; pid: number; follower: Follower; first: string }> {
    const { holdfast } = claude;
    const projectPath = holdfast.folder(name);
    const { sessionId, messageId } = await holdfast.client.ask({ message: `remember the word ${name}`, projectPath });
    const { pid = 0 } = await holdfast.client.status(sessionId);
    const follower = new Follower(sessionId);
    await follower.connect(holdfast.client);
    return { sessionId, projectPath, pid, follower, first: messageId };
  }

  /** What every client must have seen, and the history must hold, when all is over. */
  async function verify(begun: Awaited<ReturnType<typeof begin>>, name: string, turns: { id: string; text: string }[]): Promise<void> {
    const { holdfast } = claude;
    const { sessionId, pid, follower } = begun;
    const answer = await holdfast.client.ask({ message: 'what word', projectPath: begun.projectPath });
    expect(answer).toMatchObject({ sessionId, content: `The word is ${name}.` });
    await follower.caughtUp((await holdfast.client.session(sessionId)).cursor);
    expectNoHoles(follower.seen);
    expect(follower.seen).toEqual(await holdfast.client.events(sessionId));
    const said = [{ id: begun.first, text: `I will remember ${name}.` }, ...turns, { id: answer.messageId, text: answer.content }];
    for (const { id, text } of said) expectAnsweredOnce(follower.seen, id, text);
    const history = (await holdfast.client.messages(sessionId)).filter(({ role }) => role === 'assistant');
    expect(history.map(({ turnId, text }) => ({ id: turnId, text }))).toEqual(said);
    expect((await holdfast.client.status(sessionId)).pid).toBe(pid);
    await follower.close();
  }

  it('[SE20] in the middle of an answer: the agent goes on, and a client that comes back with its cursor has every event once', async () => {
    const { holdfast } = claude;
    const begun = await begin('kiwi');
    const { projectPath, follower } = begun;
    const { body } = await holdfast.client.send({ message: 'tokens=300 delay=5', projectPath });
    await eventually(() => streamedText(follower.seen, body.messageId).includes(' w80'));
    await holdfast.kill();
    const before = streamedText(follower.seen, body.messageId);
    expect(before).not.toContain('w300');
    await holdfast.start();
    await follower.connect(holdfast.client);
    await eventually(() => follower.seen.some((event) => event.kind === 'turn.completed' && event.turnId === body.messageId));
    await verify(begun, 'kiwi', [{ id: body.messageId, text: tokens(300) }]);
    expect(follower.connections).toEqual([expect.any(Number), expect.any(Number)]);
    expect(follower.connections).not.toContain(0);
    expect(claude.askedFor('tokens=300 delay=5')).toBe(1);
  });

  it.each(runs)(
    `[SE21] at $kills random moments, seed $seed (KILL_SEED): no answer loses or repeats a character, no client an event`,
    async ({ seed, kills }) => {
      const { holdfast } = claude;
      const random = new Random(seed);
      const begun = await begin(`plum${seed}`);
      const { follower, projectPath, sessionId } = begun;
      const turns: { id: string; text: string }[] = [];
      let up: Promise<void> = Promise.resolve();
      for (let killed = 0; killed < kills;) {
        const body = { message: `tokens=300 delay=5 answer ${turns.length} of ${seed}`, projectPath, messageId: randomUUID() };
        for (let cuts = 1 + random.below(4); cuts > 0 && killed < kills; cuts -= 1, killed += 1) {
          // The message is sent again after each kill, as a phone does that got no answer. A moment may lie in the server's start.
          const sent = up.then(() => Promise.all([follower.connect(holdfast.client), holdfast.client.send(body)])).catch(() => null);
          await sleep(random.below(800));
          await holdfast.kill();
          await sent;
          up = holdfast.start();
          up.catch(() => undefined);
        }
        await up;
        await follower.connect(holdfast.client);
        expect(await holdfast.client.ask(body)).toMatchObject({ state: 'completed', sessionId, content: tokens(300) });
        expect(claude.askedFor(body.message)).toBe(1);
        turns.push({ id: body.messageId, text: tokens(300) });
      }
      await verify(begun, `plum${seed}`, turns);
    },
    180_000,
  );

  it(`[SE35] at random moments while an agent starts for a first message (KILL_SEED ${runs[0].seed}): it is answered once, by one process`, async () => {
    const { holdfast } = claude;
    const random = new Random(runs[0].seed);
    for (let round = 1; round <= STARTS; round += 1) {
      const projectPath = holdfast.folder(`start-${round}`);
      const body = { message: `tokens=40 delay=2 start ${round}`, projectPath, messageId: randomUUID() };
      for (let kills = 2 + random.below(2); kills > 0; kills -= 1) {
        const sent = holdfast.client.send(body).catch(() => null);
        await sleep(random.below(kills === 1 ? 400 : 40));
        await holdfast.kill();
        await sent;
        await holdfast.start();
      }
      const answer = await holdfast.client.ask(body);
      expect(answer).toMatchObject({ state: 'completed', content: tokens(40) });
      expect(claude.askedFor(body.message)).toBe(1);
      const events = await holdfast.client.events(answer.sessionId);
      expectNoHoles(events);
      expectAnsweredOnce(events, body.messageId, tokens(40));
      const found = await holdfast.client.call<{ sessions: unknown[] }>('GET', `/api/sessions?project=${encodeURIComponent(projectPath)}`);
      expect(found.body.sessions).toHaveLength(1);
      await holdfast.client.call('DELETE', `/api/sessions/${answer.sessionId}`);
    }
    // Nothing is left of the starts that came to nothing.
    const { body } = await holdfast.client.call<{ sessions: { pid: number }[] }>('GET', '/api/sessions/active');
    const alive = new Set(
      holdfast
        .incarnations()
        .flatMap((folder) => readPid(folder, 'agent') ?? [])
        .filter((pid) => existsSync(`/proc/${pid}/exe`)),
    );
    expect([...alive].sort()).toEqual(body.sessions.map(({ pid }) => pid).sort());
  }, 180_000);
});
