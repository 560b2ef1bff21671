import { spawn } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusView } from '../../server/contracts/views.ts';
import { identify } from '../../server/process/identity.ts';
import { runs } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { expectNoHoles } from '../support/kill-checks.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';
import { Random, seedOf } from '../support/kill-random.ts';
import { liveIncarnations, stateOf } from '../support/live-processes.ts';
import { changeStore, lookIntoStore } from '../support/store-file.ts';

const seed = seedOf('LIFECYCLE_SEED');
/** Whether the server answered, before it died, that it is done. */
const post = (holdfast: Holdfast, path: string): Promise<boolean> =>
  holdfast.client.call('POST', `/api/sessions/${path}`).then(
    ({ status }) => status === 200,
    () => false,
  );

/** A step of a session's life, in the middle of which the server is killed. */
interface Step {
  name: string;
  /** Brings the session to where the step can begin; it is `ready` before. */
  before: (holdfast: Holdfast, sessionId: string) => Promise<unknown>;
  begin: (holdfast: Holdfast, sessionId: string) => Promise<boolean>;
  /** How long the step takes, in milliseconds: kills come within. */
  takes: number;
  /** States in which the session may be after a restart, when it has settled. */
  right: StatusView['state'][];
  /** The one of them in which it is when the server had answered that the step is done. */
  done: StatusView['state'] | null;
}

const steps: Step[] = [
  {
    name: 'a hibernation',
    before: async () => undefined,
    // The room is for one, so that another conversation needs this one's slot.
    begin: (holdfast) =>
      holdfast.client.send({ message: 'hello', projectPath: holdfast.folder('other') }).then(
        () => true,
        () => false,
      ),
    takes: 250,
    right: ['dormant', 'ready'],
    done: null,
  },
  {
    name: 'a wake',
    before: (holdfast, sessionId) => post(holdfast, `${sessionId}/stop`),
    begin: (holdfast, sessionId) => post(holdfast, `${sessionId}/wake`),
    takes: 300,
    right: ['dormant', 'ready'],
    done: null,
  },
  {
    name: 'a pause',
    before: async () => undefined,
    begin: (holdfast, sessionId) => post(holdfast, `${sessionId}/pause`),
    takes: 40,
    right: ['paused', 'ready'],
    done: 'paused',
  },
  {
    name: 'the end of a pause',
    before: (holdfast, sessionId) => post(holdfast, `${sessionId}/pause`),
    begin: (holdfast, sessionId) => post(holdfast, `${sessionId}/resume`),
    takes: 40,
    right: ['paused', 'ready'],
    done: 'ready',
  },
];

/** States that a session only passes through. */
const passing: StatusView['state'][] = ['starting', 'stopping', 'working'];

/** What must be so after each restart, whatever was being done: one of the two right states, and nothing twice. */
async function expectRight(holdfast: Holdfast, sessionId: string, right: readonly string[], seen: string): Promise<StatusView> {
  const status = await eventually(async () => {
    const now = await holdfast.client.status(sessionId);
    return passing.includes(now.state) ? null : now;
  });
  expect(right, seen).toContain(status.state);
  if (status.state === 'dormant') expect(status.pid, seen).toBeUndefined();
  else if (status.state === 'paused') await eventually(() => stateOf(status.pid ?? 0) === 'T', 5);
  else await eventually(() => /[SR]/.test(stateOf(status.pid ?? 0)), 5);
  return status;
}

/** No process that the store does not know, and none twice. */
async function expectNothingDoubled(holdfast: Holdfast, seen: string): Promise<void> {
  const known = lookIntoStore(holdfast, (db) =>
    db
      .prepare<[], { id: string; n: number }>(
        'SELECT id, count(*) OVER (PARTITION BY session_num) AS n FROM incarnations WHERE ended_at IS NULL',
      )
      .all(),
  );
  for (const { n } of known) expect(n, seen).toBe(1);
  for (const incarnation of liveIncarnations(holdfast))
    expect(
      known.map(({ id }) => id),
      seen,
    ).toContain(incarnation);
}

async function expectUsable(holdfast: Holdfast, sessionId: string, word: string, seen: string): Promise<void> {
  await post(holdfast, `${sessionId}/resume`);
  const answer = await holdfast.client.ask({ message: 'what word', sessionId });
  expect(answer, seen).toMatchObject({ state: 'completed', content: `The word is ${word}.` });
  expectNoHoles(await holdfast.client.events(sessionId));
}

describe(`kill -9 of the server in the middle of a step of a session's life (seed ${seed}, LIFECYCLE_SEED)`, () => {
  let holdfast: Holdfast;
  const random = new Random(seed);
  beforeAll(async () => {
    holdfast = await Holdfast.start({ env: { MAX_CONCURRENT_SESSIONS: '1', WARM_SPARES: '0', COMPACT_AFTER_SECONDS: '3600' } });
  });
  afterAll(() => holdfast.dispose());

  it.each(steps)(
    '[LC1] $name: afterwards it is one of the two right states, nothing is doubled, and the next message works',
    async (step) => {
      const { sessionId } = await holdfast.client.ask({
        message: `remember the word ${step.takes}`,
        projectPath: holdfast.folder(step.name),
      });
      for (let round = 0; round < 6; round += 1) {
        const wait = random.below(step.takes);
        const seen = `${step.name}, round ${round}, killed after ${wait} ms, LIFECYCLE_SEED=${seed}`;
        await step.before(holdfast, sessionId);
        const begun = step.begin(holdfast, sessionId);
        await sleep(wait);
        await holdfast.kill();
        const done = await begun;
        await holdfast.start();
        await expectNothingDoubled(holdfast, seen);
        await expectRight(holdfast, sessionId, done && step.done ? [step.done] : step.right, seen);
        await expectUsable(holdfast, sessionId, String(step.takes), seen);
        await expectNothingDoubled(holdfast, seen);
      }
    },
  );
});

describe('kill -9 of the server in the middle of an end of the real Claude CLI', () => {
  let claude: ClaudeHoldfast;
  const random = new Random(seed);
  beforeAll(async () => {
    // Ten checks a second would take the CLI's start for a lasting use of the CPU.
    const often = { HEALTH_CHECK_INTERVAL_SECONDS: '0.1', CPU_USAGE_LIMIT_PERCENT: '100000' };
    claude = await claudeHoldfast({ env: { MAX_CONCURRENT_SESSIONS: '1', ...often } });
  });
  afterAll(() => claude.dispose());

  it('[LC2] an expiry: it ends as expired, once, and the conversation is whole', async () => {
    const { holdfast } = claude;
    const { sessionId } = await holdfast.client.ask({ message: 'remember the word fig', projectPath: holdfast.folder('expiry') });
    for (let round = 0; round < 2; round += 1) {
      const { cursor } = await holdfast.client.session(sessionId);
      // Of this server the day is over at the first look.
      await holdfast.stop();
      await holdfast.start({ SESSION_TIMEOUT_HOURS: '0.00001' });
      const wait = 50 + random.below(250);
      await sleep(wait);
      await holdfast.kill();
      await holdfast.start({ SESSION_TIMEOUT_HOURS: '0.00001' });
      const seen = `round ${round}, killed after ${wait} ms, LIFECYCLE_SEED=${seed}`;
      // The kill may have come before the first look: then this server takes it.
      await eventually(async () => (await holdfast.client.status(sessionId)).state === 'dormant');
      expect(await holdfast.client.status(sessionId), seen).toMatchObject({ lastExit: { reason: 'expired' } });
      const ends = (await holdfast.client.events(sessionId, cursor)).filter(({ kind }) => kind === 'session.exited');
      expect(ends, seen).toHaveLength(1);
      await expectNothingDoubled(holdfast, seen);
      await holdfast.stop();
      await holdfast.start();
      await expectUsable(holdfast, sessionId, 'fig', seen);
    }
  });

  it('[LC3] a hibernation right after an answer: nothing of the conversation is lost', async () => {
    const { holdfast } = claude;
    const words = ['kiwi', 'plum'];
    for (const [round, word] of words.entries()) {
      const { sessionId } = await holdfast.client.ask({ message: `remember the word ${word}`, projectPath: holdfast.folder(word) });
      const other = holdfast.client.send({ message: 'hello', projectPath: holdfast.folder('other') }).catch(() => null);
      const wait = 5 + random.below(120);
      await sleep(wait);
      await holdfast.kill();
      await other;
      await holdfast.start();
      const seen = `round ${round}, killed after ${wait} ms, LIFECYCLE_SEED=${seed}`;
      const status = await expectRight(holdfast, sessionId, ['dormant', 'ready'], seen);
      if (status.state === 'dormant') expect(status, seen).toMatchObject({ lastExit: { reason: 'hibernated', exitCode: 0 } });
      await expectUsable(holdfast, sessionId, word, seen);
    }
  });
});

describe('a pid that belongs to somebody else by now', () => {
  it('[LC4] is never signalled, whatever the store, the pid files and the group say', async () => {
    const holdfast = await Holdfast.start();
    // Leads a group of its own, as a wrapper does, and has a child in it.
    const foreign = spawn('sh', ['-c', 'sleep 600 & wait'], { detached: true, stdio: 'ignore' });
    const ended = new Promise((resolve) => foreign.once('exit', resolve));
    try {
      const pid = foreign.pid ?? 0;
      const { sessionId } = await holdfast.client.ask({ message: 'remember the word fig', projectPath: holdfast.project });
      const { pid: agent = 0 } = await holdfast.client.status(sessionId);
      await holdfast.kill();
      process.kill(agent, 'SIGKILL');
      await eventually(() => liveIncarnations(holdfast).size === 0);
      const before = identify(pid);
      changeStore(holdfast, (db) => {
        const rows = db
          .prepare<[], { id: string; process: string; wrapper: string }>('SELECT id, process, wrapper FROM incarnations')
          .all();
        for (const row of rows) {
          const reused = (text: string): string => JSON.stringify({ ...(JSON.parse(text) as object), pid });
          db.prepare('UPDATE incarnations SET process = ?, wrapper = ?, ended_at = NULL WHERE id = ?').run(
            reused(row.process),
            reused(row.wrapper),
            row.id,
          );
        }
      });
      for (const folder of holdfast.incarnations()) {
        for (const name of ['sh', 'tail', 'agent']) writeFileSync(join(folder, name), `${pid}\n`);
        for (const name of readdirSync(folder).filter((each) => each.startsWith('exit.'))) rmSync(join(folder, name));
      }
      await holdfast.start();
      expect(await holdfast.client.status(sessionId)).toMatchObject({
        state: 'dormant',
        lastExit: { reason: expect.any(String) as string },
      });
      expect((await holdfast.client.ask({ message: 'what word', sessionId })).content).toBe('The word is fig.');
      await post(holdfast, `${sessionId}/pause`);
      await post(holdfast, `${sessionId}/stop`);
      expect(identify(pid)).toEqual(before);
      expect(stateOf(pid)).toBe('S');
      expect(runs(pid)).toBe(true);
    } finally {
      process.kill(-(foreign.pid ?? 0), 'SIGKILL');
      await ended;
      await holdfast.dispose();
    }
  });
});
