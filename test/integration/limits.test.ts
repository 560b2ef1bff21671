import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventOf, EventView } from '../../server/contracts/events.ts';
import type { SessionsPage } from '../../server/contracts/views.ts';
import { eventOf, journalOf, runs } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { expectExits } from '../support/figures.ts';
import { Holdfast } from '../support/holdfast.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';
import { active, markedPids, stateOf } from '../support/live-processes.ts';

const often = { HEALTH_CHECK_INTERVAL_SECONDS: '0.25' };
const unlimited = { CPU_USAGE_LIMIT_PERCENT: '100000', MAX_MEMORY_PER_SESSION_MB: '100000' };

/** Fails unless the session answers, in a new process. */
async function expectUsable(holdfast: Holdfast, sessionId: string): Promise<void> {
  const answer = await holdfast.client.ask({ message: 'are you there', sessionId });
  expect(answer).toMatchObject({ state: 'completed', content: 'You said: are you there' });
}

/** Fails unless a session's process ended with this reason, in its status and as an event; gives the event. */
async function expectEnded(holdfast: Holdfast, sessionId: string, reason: string, after = 0): Promise<EventOf<'session.exited'>['data']> {
  const { data } = await eventOf(holdfast.client, sessionId, 'session.exited', after);
  expect(data).toMatchObject({ reason });
  expect(await holdfast.client.status(sessionId)).toMatchObject({ lastExit: { reason } });
  return data as EventOf<'session.exited'>['data'];
}

function incarnationOf(folder: string): string {
  return folder.split('/').at(-1) ?? '';
}

/** How many live processes carry the mark of this incarnation. */
function marked(holdfast: Holdfast, incarnation: string): number {
  return [...markedPids(holdfast).values()].filter((each) => each === incarnation).length;
}

describe('memory', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    holdfast = await Holdfast.start({ env: { ...often, ...unlimited, MAX_MEMORY_PER_SESSION_MB: '400' } });
  });
  afterAll(() => holdfast.dispose());

  it('[LM20] an agent that eats beyond its limit in a turn: the turn fails with the reason, the process ends with it', async () => {
    const { client } = holdfast;
    const projectPath = holdfast.folder('eats');
    const answer = await client.ask({ message: 'eat=500\ntokens=100000 delay=20', projectPath });
    expect(answer).toMatchObject({ state: 'failed', error: { code: 'memory-limit' } });
    expect(answer.error?.detail).toMatch(/of 400 MB \(MAX_MEMORY_PER_SESSION_MB\)/);
    await expectEnded(holdfast, answer.sessionId, 'memory-limit');
    await expectUsable(holdfast, answer.sessionId);
  });

  it('[LM21] what a child of an idle agent eats counts too: it is hibernated with the reason, and the child is gone', async () => {
    const { client } = holdfast;
    const projectPath = holdfast.folder('child');
    await client.ask({ message: 'remember the word fig', projectPath });
    const program = 'const b = Buffer.alloc(500 * 2 ** 20, 1); setInterval(() => b, 1000)';
    const { sessionId, content } = await client.ask({ message: `spawn: '${process.execPath}' -e '${program}'`, projectPath });
    const child = Number(/^Started (\d+)$/.exec(content)?.[1]);
    await expectEnded(holdfast, sessionId, 'memory-limit');
    expect(runs(child)).toBe(false);
    const ends = (await client.events(sessionId)).filter(({ kind }) => /^turn\.(completed|failed|interrupted|cancelled)$/.test(kind));
    expect(ends.map(({ kind }) => kind)).toEqual(['turn.completed', 'turn.completed']);
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is fig.');
  });

  it('[LM22] at 80 % there is a warning, one, with the figures', async () => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'eat=300', projectPath: holdfast.folder('warned') });
    const { data } = (await eventOf(client, sessionId, 'resource.warning')) as EventView & EventOf<'resource.warning'>;
    expect(data).toMatchObject({ what: 'memory', limit: 400 });
    expect(data.used).toBeGreaterThanOrEqual(320);
    expect(data.used).toBeLessThan(400);
    // Another session's end shows that the monitor has looked again and again since.
    await client.ask({ message: 'eat=500\ntokens=100000 delay=20', projectPath: holdfast.folder('meanwhile') });
    expect((await client.events(sessionId)).filter(({ kind }) => kind === 'resource.warning')).toHaveLength(1);
    expect((await client.status(sessionId)).state).toBe('ready');
  });

  it('[LM23] an agent that ignores TERM and the end of its input, with grandchildren, ends all the same, and all of them with it', async () => {
    const { client } = holdfast;
    const projectPath = holdfast.folder('stubborn');
    const grown = await client.ask({ message: 'spawn: (sleep 611 & sleep 612 & wait) & sleep 613 & wait', projectPath });
    const incarnation = incarnationOf(await journalOf(holdfast, grown.sessionId));
    // Wrapper, tail, agent, two shells and three sleeps.
    await eventually(() => marked(holdfast, incarnation) >= 8);
    const answer = await client.ask({ message: 'ignore-term\neat=500\ntokens=100000 delay=20', projectPath });
    expect(answer).toMatchObject({ state: 'failed', error: { code: 'memory-limit' } });
    expect(await expectEnded(holdfast, answer.sessionId, 'memory-limit')).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(marked(holdfast, incarnation)).toBe(0);
    await expectUsable(holdfast, answer.sessionId);
  });

  it('[LM24] messages that wait behind the one that ate are answered by a new process', async () => {
    const { client } = holdfast;
    const { body } = await client.send({ message: 'eat=500\ntokens=100000 delay=20', projectPath: holdfast.folder('behind') });
    const next = await client.ask({ message: 'hello', sessionId: body.sessionId });
    expect(next).toMatchObject({ state: 'completed', content: 'You said: hello' });
    await expectEnded(holdfast, body.sessionId, 'memory-limit');
  });

  it('[FG12] every end at the limit is counted under its reason, in both forms of the figures', async () => {
    const { client } = holdfast;
    const last = await client.ask({ message: 'eat=500\ntokens=100000 delay=20', projectPath: holdfast.folder('counted') });
    await expectEnded(holdfast, last.sessionId, 'memory-limit');
    const { sessions } = (await client.call<SessionsPage>('GET', '/api/sessions?limit=100')).body;
    const events = (await Promise.all(sessions.map(({ sessionId }) => client.events(sessionId)))).flat();
    const ended = events.filter(({ kind, data }) => kind === 'session.exited' && (data as { reason: string }).reason === 'memory-limit');
    expect(ended.length).toBeGreaterThan(0);
    await expectExits(holdfast, 'memory-limit', ended.length);
    await expectExits(holdfast, 'crashed', 0);
  });
});

describe('memory of all together', () => {
  it('[LM25] beyond the total the idle processes go first, the least recently used before the others, and the limit of live ones sinks', async () => {
    const holdfast = await Holdfast.start({ env: { ...often, ...unlimited, MAX_TOTAL_MEMORY_GB: '1', LOG_LEVEL: 'info' } });
    try {
      const { client } = holdfast;
      const idle: string[] = [];
      for (const name of ['first', 'second'])
        idle.push((await client.ask({ message: 'hello', projectPath: holdfast.folder(name) })).sessionId);
      const answer = await client.ask({ message: 'eat=1200\ntokens=100000 delay=20', projectPath: holdfast.folder('third') });
      expect(answer).toMatchObject({ state: 'failed', error: { code: 'memory-limit' } });
      expect(answer.error?.detail).toContain('MAX_TOTAL_MEMORY_GB');
      await expectEnded(holdfast, answer.sessionId, 'memory-limit');
      for (const sessionId of idle) await expectEnded(holdfast, sessionId, 'memory-limit');
      expect(holdfast.output).toContain('the limit of live processes changed');
      expect(holdfast.output).toMatch(/MAX_TOTAL_MEMORY_GB holds \d+ at \d+ MB each/);
      expect((await active(holdfast)).pool).toMatchObject({ max: 10, live: 0 });
    } finally {
      await holdfast.dispose();
    }
  });
});

describe('CPU', () => {
  it('[LM26] a turn that spins is warned about, then fails with the reason when it lasts; a start is no sustained use', async () => {
    const holdfast = await Holdfast.start({ env: { ...often, ...unlimited, CPU_USAGE_LIMIT_PERCENT: '20' } });
    try {
      const { client } = holdfast;
      const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.project });
      const answer = await client.ask({ message: 'spin=600000', sessionId });
      expect(answer).toMatchObject({ state: 'failed', error: { code: 'cpu-limit' } });
      expect(answer.error?.detail).toContain('CPU_USAGE_LIMIT_PERCENT');
      await expectEnded(holdfast, sessionId, 'cpu-limit');
      await expectExits(holdfast, 'cpu-limit', 1);
      const kinds = (await client.events(sessionId)).map(({ kind }) => kind);
      // Where the machine is busy its use may go down and up again, which is told anew.
      expect(kinds).toContain('resource.warning');
      expect(kinds.indexOf('resource.warning')).toBeLessThan(kinds.indexOf('turn.failed'));
      await expectUsable(holdfast, sessionId);
    } finally {
      await holdfast.dispose();
    }
  });
});

describe('stalls', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    holdfast = await Holdfast.start({ env: { ...often, ...unlimited, STALL_MINUTES: '0.02' } });
  });
  afterAll(() => holdfast.dispose());

  async function verdictOf(sessionId: string, after = 0): Promise<Record<string, unknown>> {
    return ((await eventOf(holdfast.client, sessionId, 'session.stalled', after)).data as EventOf<'session.stalled'>['data']).evidence;
  }

  it('[LM27] a hung agent is told of with the evidence, ended, and what waits is answered by a new one', async () => {
    const { client } = holdfast;
    const { body } = await client.send({ message: 'sleep=600000', projectPath: holdfast.folder('hung') });
    await eventOf(client, body.sessionId, 'turn.started');
    const { pid = 0 } = await client.status(body.sessionId);
    process.kill(pid, 'SIGSTOP');
    await eventually(() => stateOf(pid) === 'T');
    const next = await client.ask({ message: 'hello', sessionId: body.sessionId });
    expect(next).toMatchObject({ state: 'completed', content: 'You said: hello' });
    const evidence = await verdictOf(body.sessionId);
    expect(evidence).toMatchObject({ verdict: 'dead', openTools: 0, openRequests: 0, connections: 0 });
    expect(evidence['silentMs']).toBeGreaterThanOrEqual(1_200);
    await expectEnded(holdfast, body.sessionId, 'stalled');
    await expectExits(holdfast, 'stalled', 1);
    const interrupted = (await client.events(body.sessionId)).find(({ kind }) => kind === 'turn.interrupted');
    expect(interrupted).toMatchObject({ turnId: body.messageId, data: { reason: 'stalled' } });
    expect(runs(pid)).toBe(false);
  });

  it('[LM28] one that waits for its user, or is at work, is told of and left alone', async () => {
    const { client } = holdfast;
    const cases = [
      { message: 'approve: something', verdict: 'waiting-for-user', state: 'waiting' },
      { message: 'spin=600000', verdict: 'running-tool', state: 'working' },
    ];
    for (const { message, verdict, state } of cases) {
      const { body } = await client.send({ message, projectPath: holdfast.folder(verdict) });
      const seen = await eventually(async () => {
        const stalls = (await client.events(body.sessionId)).filter(
          (event): event is EventView & EventOf<'session.stalled'> => event.kind === 'session.stalled',
        );
        return stalls.length >= 2 ? stalls : null;
      });
      for (const { data } of seen) expect(data.evidence).toMatchObject({ verdict });
      expect((await client.status(body.sessionId)).state).toBe(state);
      await client.call('POST', `/api/sessions/${body.sessionId}/stop`);
    }
  });
});

describe('stalls of the real Claude CLI', () => {
  let claude: ClaudeHoldfast;
  beforeAll(async () => {
    claude = await claudeHoldfast({ env: { ...often, ...unlimited, STALL_MINUTES: '0.05' } });
  });
  afterAll(() => claude.dispose());

  it.each([
    ['an answer of the model', 'hang', { verdict: 'waiting-for-api', openTools: 0 }],
    ['a command', 'run: tail -f /dev/null', { verdict: 'running-tool', openTools: 1 }],
  ])('[LM29] one that waits for %s is told of as such and left alone', async (_what, message, evidence) => {
    const { client } = claude.holdfast;
    const { body } = await client.send({ message, mode: 'auto', projectPath: claude.holdfast.folder(message.slice(0, 3)) });
    expect((await eventOf(client, body.sessionId, 'session.stalled')).data).toMatchObject({ evidence });
    expect((await client.status(body.sessionId)).state).toBe('working');
    await client.call('POST', `/api/sessions/${body.sessionId}/stop`);
  });
});

describe('an agent that dies in a loop', () => {
  it('[LM30] is started three times in a row, then what waits fails with the reason, and the next message tries again', async () => {
    const holdfast = await Holdfast.start();
    try {
      const { client } = holdfast;
      const projectPath = holdfast.project;
      const { sessionId } = await client.ask({ message: 'remember the word fig', projectPath });
      const turns: string[] = [];
      for (const message of ['sleep=200\ncrash', 'crash', 'crash', 'hello'])
        turns.push((await client.send({ message, sessionId })).body.messageId);
      const failed = await eventOf(client, sessionId, 'session.failed');
      expect(failed.data).toMatchObject({ code: 'start-failed', detail: expect.stringMatching(/by SIGKILL 3 times in a row/) as string });
      const ends = (await client.events(sessionId)).filter(
        ({ kind, turnId }) => turns.includes(turnId ?? '') && /^turn\.(int|fail)/.test(kind),
      );
      expect(ends.map(({ kind, turnId, data }) => ({ kind, turnId, data }))).toMatchObject([
        ...turns.slice(0, 3).map((turnId) => ({ kind: 'turn.interrupted', turnId, data: { reason: 'crashed' } })),
        { kind: 'turn.failed', turnId: turns[3], data: { code: 'start-failed' } },
      ]);
      expect(await client.session(sessionId)).toMatchObject({ state: 'failed', lastExit: { reason: 'crashed', signal: 'SIGKILL' } });
      expect(markedPids(holdfast).size).toBe(0);
      expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is fig.');
    } finally {
      await holdfast.dispose();
    }
  });
});
