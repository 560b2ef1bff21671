import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ActiveView } from '../../server/contracts/views.ts';
import { inotifyLimit } from '../../server/process/inotify.ts';
import { markedProcesses } from '../../server/process/members.ts';
import { eventOf, pidIn } from '../support/agent-processes.ts';
import { Holdfast } from '../support/holdfast.ts';
import { liveIncarnations } from '../support/live-processes.ts';

const SESSIONS = 130;
const LIMIT = 128;
const limitFile = '/proc/sys/fs/inotify/max_user_instances';
const usual = inotifyLimit();

/** Whether the limit is what the test is about, or can be made so. */
function limited(): boolean {
  if (usual === LIMIT) return true;
  try {
    writeFileSync(limitFile, String(LIMIT));
    return true;
  } catch {
    return false;
  }
}

const atLimit = limited();
if (!atLimit)
  console.warn(
    `many-sessions.test.ts is skipped in part: fs.inotify.max_user_instances is ${usual ?? 'unknown'} and may not be set to ${LIMIT} here.`,
  );
afterAll(() => {
  if (atLimit && usual !== LIMIT && usual !== null) writeFileSync(limitFile, String(usual));
});

/** The first half of every mark of a server's agents. */
async function dataIdOf(holdfast: Holdfast, sessionId: string): Promise<string> {
  const { pid } = await holdfast.client.status(sessionId);
  return /HOLDFAST_INCARNATION=([^/\0]+)\//.exec(readFileSync(`/proc/${pid ?? 0}/environ`, 'latin1'))?.[1] ?? '';
}

describe.skipIf(!atLimit)(`${SESSIONS} sessions where a user may have ${LIMIT} inotify instances`, () => {
  it('[JN90] all start, all answer, /ready says what is scarce, and nothing of them is left', async () => {
    // Nobody looks at their memory meanwhile: so many take more than MAX_TOTAL_MEMORY_GB.
    const holdfast = await Holdfast.start({ env: { MAX_CONCURRENT_SESSIONS: String(SESSIONS), HEALTH_CHECK_INTERVAL_SECONDS: '3600' } });
    const sessions: string[] = [];
    let dataId = '';
    try {
      const { client } = holdfast;
      const { body } = await client.call<{ ready: boolean; checks: { name: string; detail?: string }[] }>('GET', '/ready');
      expect(body.checks.find(({ name }) => name === 'inotify')?.detail).toMatch(/max_user_instances is 128, low for 130 sessions/);
      const left = Array.from({ length: SESSIONS }, (_unused, index) => index);
      const starter = async (): Promise<void> => {
        for (let index = left.shift(); index !== undefined; index = left.shift()) {
          const answer = await client.ask({ message: `remember the word w${index}`, projectPath: holdfast.folder(`p${index}`) });
          expect(answer.content).toBe(`I will remember w${index}.`);
          sessions[index] = answer.sessionId;
        }
      };
      await Promise.all(Array.from({ length: 4 }, starter));
      dataId = await dataIdOf(holdfast, sessions[0] ?? '');
      const { pool } = (await client.call<ActiveView>('GET', '/api/sessions/active')).body;
      expect(pool).toMatchObject({ live: SESSIONS, max: SESSIONS, available: 0 });
      const words = await Promise.all(sessions.map(async (sessionId) => (await client.ask({ message: 'what word', sessionId })).content));
      expect(words).toEqual(sessions.map((_sessionId, index) => `The word is w${index}.`));
      // All are idle, so one of them makes room.
      expect((await client.ask({ message: 'one more', projectPath: holdfast.project })).state).toBe('completed');
      expect((await client.call<ActiveView>('GET', '/api/sessions/active')).body.pool).toMatchObject({ live: SESSIONS, waiting: 0 });
    } finally {
      await holdfast.kill();
      try {
        // All at once: ending them one after the other would take a while.
        const live = liveIncarnations(holdfast);
        for (const folder of holdfast.incarnations()) if (live.has(basename(folder))) process.kill(-pidIn(folder, 'sh'), 'SIGKILL');
      } finally {
        await holdfast.dispose();
      }
    }
    expect(markedProcesses(dataId)).toEqual([]);
  }, 180_000);
});

describe('a full pool', () => {
  it('[SE90] where all are at work and nobody may wait, refuses new work at once with the reason and when to come again, and takes it when a slot is free', async () => {
    const holdfast = await Holdfast.start({ env: { MAX_CONCURRENT_SESSIONS: '2', MAX_WAITING: '0' } });
    let dataId = '';
    try {
      const { client } = holdfast;
      const { sessionId: asleep } = await client.ask({ message: 'hello', projectPath: holdfast.folder('asleep') });
      await client.call('POST', `/api/sessions/${asleep}/stop`);
      const busy: string[] = [];
      for (const name of ['one', 'two']) {
        const { body } = await client.send({ message: 'sleep=600000', projectPath: holdfast.folder(name) });
        await eventOf(client, body.sessionId, 'turn.started');
        busy.push(body.sessionId);
      }
      dataId = await dataIdOf(holdfast, busy[0] ?? '');
      const body = { message: 'hello', messageId: '7d2f8f5e-3a40-4d5c-9a52-0c55c1d5a002', projectPath: holdfast.folder('three') };
      const refused = await client.call<{ code: string; detail: string }>('POST', '/api/chat', body);
      expect(refused).toMatchObject({ status: 503, body: { code: 'pool-full', live: 2, max: 2, waiting: 0 } });
      expect(refused.body.detail).toContain('MAX_CONCURRENT_SESSIONS');
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      // Nothing of it was kept: no session, no message.
      expect((await client.call('GET', `/api/messages/${body.messageId}`)).status).toBe(404);
      expect((await client.call<{ sessions: unknown[] }>('GET', '/api/sessions')).body.sessions).toHaveLength(3);
      expect((await client.call('POST', `/api/sessions/${asleep}/wake`)).status).toBe(503);
      // Whoever has a slot keeps it, and may say more.
      expect(await client.send({ message: 'and again', sessionId: busy[1] })).toMatchObject({ status: 202, body: { position: 1 } });
      await client.call('POST', `/api/sessions/${busy[0]}/stop`);
      expect(await client.ask(body)).toMatchObject({ state: 'completed', resumed: false });
    } finally {
      await holdfast.dispose();
    }
    expect(markedProcesses(dataId)).toEqual([]);
  });
});
