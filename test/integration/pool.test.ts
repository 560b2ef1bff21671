import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/find-command.ts';
import type { ActiveView } from '../../server/contracts/views.ts';
import { eventOf } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';
import { active, Census, liveIncarnations, markedPids } from '../support/live-processes.ts';
import { programEnv } from '../support/program-env.ts';

interface Refused {
  code: string;
  error: string;
  live: number;
  waiting: number;
}

describe('the pool with the real Claude CLI', () => {
  let claude: ClaudeHoldfast;
  afterEach(() => claude.dispose());

  it('[PO20] with room for two, four conversations take turns: never a third process, and each recalls its own word', async () => {
    claude = await claudeHoldfast({ env: { MAX_CONCURRENT_SESSIONS: '2' } });
    const { holdfast } = claude;
    const { client } = holdfast;
    const census = new Census(holdfast);
    const words = ['kiwi', 'plum', 'fig', 'lime'];
    const learned = await Promise.all(
      words.map((word) => client.ask({ message: `remember the word ${word}`, projectPath: holdfast.folder(word) })),
    );
    expect(learned.map(({ content }) => content)).toEqual(words.map((word) => `I will remember ${word}.`));
    const asleep = [];
    for (const { sessionId } of learned) {
      const { state, lastExit } = await client.status(sessionId);
      if (state === 'dormant') asleep.push(lastExit);
      else expect(state).toBe('ready');
    }
    expect(asleep).toMatchObject([1, 2].map(() => ({ reason: 'hibernated', exitCode: 0, signal: null })));
    for (const [index, word] of words.entries()) {
      const answer = await client.ask({ message: 'what word', sessionId: learned[index]?.sessionId });
      expect(answer.content).toBe(`The word is ${word}.`);
    }
    const { mostInPool, mostInTable, mostWaiting, looks } = await census.stop();
    expect({ mostInPool, mostInTable, mostWaiting }).toEqual({ mostInPool: 2, mostInTable: 2, mostWaiting: 2 });
    expect(looks).toBeGreaterThan(10);
    // Every end of all this was a hibernation, and none of them lost anything.
    for (const { sessionId } of learned) {
      const ends = (await client.events(sessionId)).filter(({ kind }) => kind === 'session.exited');
      for (const end of ends) expect(end).toMatchObject({ data: { reason: 'hibernated', exitCode: 0 } });
    }
  });

  it('[PO21] twenty at once on room for ten: an answer for all, memory within its limit, and nothing is left after npm run stop', async () => {
    claude = await claudeHoldfast({ env: { MAX_CONCURRENT_SESSIONS: '10' } });
    const { holdfast } = claude;
    const census = new Census(holdfast);
    const asked = Array.from({ length: 20 }, (_, index) =>
      holdfast.client.ask({ message: `hello ${index}`, projectPath: holdfast.folder(`p${index}`) }),
    );
    for (const [index, answer] of (await Promise.all(asked)).entries()) expect(answer.content).toBe(`You said: hello ${index}`);
    const { mostInTable, mostMemoryMb } = await census.stop();
    expect(mostInTable).toBeLessThanOrEqual(10);
    expect(mostMemoryMb).toBeLessThan(4 * 1024);
    const ended = spawnSync(process.execPath, [join(packageRoot, 'cli/stop.ts')], {
      cwd: holdfast.root,
      env: { ...programEnv, HOME: holdfast.root, DATA_DIR: holdfast.dataDir },
      encoding: 'utf8',
    });
    expect(ended.status, ended.stderr + ended.stdout).toBe(0);
    expect([...markedPids(holdfast)]).toEqual([]);
  });
});

describe('the pool', () => {
  let holdfast: Holdfast;
  afterEach(() => holdfast.dispose());

  async function poolOf(): Promise<ActiveView['pool']> {
    return (await active(holdfast)).pool;
  }

  it('[PO22] while all processes are at work the next message waits and is answered when one is free; beyond the queue it is refused with the reason', async () => {
    holdfast = await Holdfast.start({ env: { MAX_CONCURRENT_SESSIONS: '2', MAX_WAITING: '1' } });
    const { client } = holdfast;
    const busy = [];
    for (const name of ['one', 'two']) {
      const { body } = await client.send({ message: 'sleep=600000', projectPath: holdfast.folder(name) });
      await eventOf(client, body.sessionId, 'turn.started');
      busy.push(body.sessionId);
    }
    const waits = await client.send({ message: 'hello', projectPath: holdfast.folder('three') });
    expect(waits).toMatchObject({ status: 202, body: { success: true, state: 'accepted', position: 0 } });
    expect(await poolOf()).toMatchObject({ live: 2, max: 2, available: 0, waiting: 1 });
    const refused = await client.call<Refused>('POST', '/api/chat', { message: 'hello', projectPath: holdfast.folder('four') });
    expect(refused).toMatchObject({ status: 503, body: { code: 'pool-full', live: 2, waiting: 1 } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.body.error).toContain('MAX_WAITING');
    // What was refused left no trace, and what waits may say more.
    expect((await client.call<{ sessions: unknown[] }>('GET', '/api/sessions')).body.sessions).toHaveLength(3);
    expect((await client.send({ message: 'more', sessionId: waits.body.sessionId })).body).toMatchObject({ position: 1 });
    await client.call('POST', `/api/sessions/${busy[0]}/cancel`);
    expect((await eventOf(client, waits.body.sessionId, 'turn.completed')).data).toMatchObject({ text: 'You said: hello' });
    expect(await poolOf()).toMatchObject({ live: 2, waiting: 0 });
    expect(await client.status(busy[0] ?? '')).toMatchObject({ state: 'dormant', lastExit: { reason: 'hibernated' } });
    expect((await client.status(busy[1] ?? '')).state).toBe('working');
  });

  it('[PO23] a session that is stopped while it waits gives up its place, and takes no process later', async () => {
    holdfast = await Holdfast.start({ env: { MAX_CONCURRENT_SESSIONS: '1', MAX_WAITING: '1' } });
    const { client } = holdfast;
    const { body: busy } = await client.send({ message: 'sleep=600000', projectPath: holdfast.folder('one') });
    await eventOf(client, busy.sessionId, 'turn.started');
    const { body: waits } = await client.send({ message: 'hello', projectPath: holdfast.folder('two') });
    await client.call('POST', `/api/sessions/${waits.sessionId}/stop`);
    expect((await poolOf()).waiting).toBe(0);
    await client.call('POST', `/api/sessions/${busy.sessionId}/stop`);
    const { body: next } = await client.send({ message: 'hello', projectPath: holdfast.folder('three') });
    await eventOf(client, next.sessionId, 'turn.completed');
    const events = (await client.events(waits.sessionId)).map(({ kind }) => kind);
    expect(events).toEqual(['session.created', 'turn.accepted', 'turn.cancelled']);
  });

  it('[PO24] twenty at once on room for ten: no error but an honest 503, an answer for all, and nothing is left', async () => {
    holdfast = await Holdfast.start({ env: { MAX_CONCURRENT_SESSIONS: '10', MAX_WAITING: '8' } });
    const { client } = holdfast;
    const census = new Census(holdfast);
    const send = (index: number) => client.send({ message: `hello ${index}`, projectPath: holdfast.folder(`p${index}`) });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => send(index)));
    const refused = [...answers.keys()].filter((index) => answers[index]?.status !== 202);
    for (const index of refused) expect(answers[index]).toMatchObject({ status: 503, body: { code: 'pool-full' } });
    expect(refused.length).toBeLessThanOrEqual(2);
    for (const index of refused) {
      answers[index] = await eventually(async () => {
        const again = await send(index);
        return again.status === 202 ? again : null;
      });
    }
    for (const [index, { body }] of answers.entries()) {
      expect((await eventOf(client, body.sessionId, 'turn.completed')).data).toMatchObject({ text: `You said: hello ${index}` });
    }
    const { mostInPool, mostInTable, mostMemoryMb } = await census.stop();
    expect(mostInPool).toBeLessThanOrEqual(10);
    expect(mostInTable).toBeLessThanOrEqual(10);
    expect(mostMemoryMb).toBeLessThan(4 * 1024);
    for (const { body } of answers) expect((await client.call('POST', `/api/sessions/${body.sessionId}/stop`)).status).toBe(200);
    expect([...markedPids(holdfast)]).toEqual([]);
    expect(liveIncarnations(holdfast).size).toBe(0);
    expect(await poolOf()).toMatchObject({ live: 0, waiting: 0 });
  });
});
