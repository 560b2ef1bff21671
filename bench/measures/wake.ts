import type { Holdfast } from '../../test/support/holdfast.ts';
import { TestSocket } from '../../test/support/socket.ts';
import { Cleanup } from '../cleanup.ts';
import { makeEchoSession, statusThat } from '../echo-sessions.ts';
import { added, milliseconds, type Row } from '../report.ts';
import { claudeStage } from '../stage.ts';
import { percentile } from '../statistics.ts';
import { ThroughUs } from '../through-us.ts';
import { firstTokenMs } from '../timed-answer.ts';

const LIMIT_MS = 150;
const SAMPLES = 9;
const TEXT = 'tokens=3';

type Times = Record<'woken' | 'asleep', number[]>;

/**
 * First token of a message in a hibernated conversation, at a client that stayed attached: `woken`, a second device attached
 * to it before, and the message goes out in the moment in which the status says `ready`; `asleep`, nothing woke it, so that
 * the message itself starts the process, with `--resume`. The same conversation, in turns.
 *
 * It is hibernated as the pool does it: the limit is one process, and a session of the echo agent is started, for which the
 * least recently used one has to go. That session is then stopped, so that either way begins with an empty slot and
 * neither waits for somebody else's end.
 */
export async function wake(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const { holdfast } = await claudeStage(cleanup, { MAX_CONCURRENT_SESSIONS: '1' });
    const client = await ThroughUs.open(holdfast, cleanup);
    await client.send(TEXT);
    const rival = await makeEchoSession(holdfast);
    const times: Times = { woken: [], asleep: [] };
    for (let sample = -1; sample < SAMPLES; sample++) {
      for (const way of sample % 2 === 0 ? (['woken', 'asleep'] as const) : (['asleep', 'woken'] as const)) {
        await hibernate(holdfast, client.sessionId, rival);
        const device = way === 'woken' ? await attach(holdfast, client.sessionId) : null;
        const time = firstTokenMs(await client.send(TEXT));
        await device?.close();
        if (sample >= 0) times[way].push(time);
      }
    }
    return [row(times, 'p50', 0.5, LIMIT_MS), row(times, 'slowest', 1)];
  } finally {
    await cleanup.run();
  }
}

/** Has the pool hibernate a session for the sake of another, and takes that one away again. */
async function hibernate(holdfast: Holdfast, id: string, rival: string): Promise<void> {
  await statusThat(holdfast, id, ({ state }) => state === 'ready');
  await holdfast.client.call('POST', `/api/sessions/${rival}/start`, {});
  await statusThat(holdfast, rival, ({ state }) => state === 'ready');
  await holdfast.client.call('POST', `/api/sessions/${rival}/stop`, {});
  await statusThat(holdfast, id, ({ state, lastExit }) => state === 'dormant' && lastExit?.reason === 'hibernated');
}

/** A device that looks at the session, which wakes it; resolves when it is ready. */
async function attach(holdfast: Holdfast, id: string): Promise<TestSocket> {
  const device = await TestSocket.open(holdfast.url, `/api/sessions/${id}/stream`);
  await statusThat(holdfast, id, ({ state }) => state === 'ready');
  return device;
}

function row({ woken, asleep }: Times, name: string, p: number, limit?: number): Row {
  const [ours, cold] = [percentile(woken, p), percentile(asleep, p)];
  return {
    measure: `first token in a hibernated session that was woken by attach, ${name} (n=${woken.length})`,
    ours: milliseconds(ours),
    baseline: `${milliseconds(cold)} not woken`,
    compared: `${added(ours - cold)}, ${(cold / ours).toFixed(1)}× faster`,
    target: limit === undefined ? '' : `≤ ${limit} ms`,
    met: limit === undefined ? null : ours <= limit,
  };
}
