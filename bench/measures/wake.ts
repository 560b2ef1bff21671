import { randomUUID } from 'node:crypto';
import type { Holdfast } from '../../test/support/holdfast.ts';
import { TestSocket } from '../../test/support/socket.ts';
import { BareClaude, type Conversation } from '../bare-claude.ts';
import { Cleanup } from '../cleanup.ts';
import { makeEchoSession, statusThat } from '../echo-sessions.ts';
import { inTurns } from '../in-turns.ts';
import { added, milliseconds, type Row } from '../report.ts';
import { type ClaudeStage, claudeStage } from '../stage.ts';
import { median, percentile } from '../statistics.ts';
import { ThroughUs } from '../through-us.ts';
import { firstTokenMs } from '../timed-answer.ts';

const LIMIT_MS = 150;
const SAMPLES = 9;
const TEXT = 'tokens=3';

type Times = Record<'woken' | 'asleep' | 'bare', number[]>;

/**
 * First token of a message in a hibernated conversation, at a client that stayed attached: `woken`, a second device attached
 * to it before, and the message goes out in the moment in which the status says `ready`; `asleep`, nothing woke it, so that
 * the message itself starts the process, with `--resume`. The same conversation, in turns. Beside it `bare`: the CLI resumed
 * on plain pipes, with the message written in the moment in which it has answered `initialize`.
 *
 * It is hibernated as the pool does it: the limit is one process, and a session of the echo agent is started, for which the
 * least recently used one has to go. That session is then stopped, so that either way begins with an empty slot and
 * neither waits for somebody else's end.
 */
export async function wake(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const stage = await claudeStage(cleanup, { MAX_CONCURRENT_SESSIONS: '1' });
    const client = await ThroughUs.open(stage.holdfast, cleanup);
    await client.send(TEXT);
    const rival = await makeEchoSession(stage.holdfast);
    const bareId = randomUUID();
    await onBarePipes(stage, { id: bareId, resume: false });
    const ways = {
      woken: () => afterHibernation(stage.holdfast, client, { rival, woken: true }),
      asleep: () => afterHibernation(stage.holdfast, client, { rival, woken: false }),
      bare: () => onBarePipes(stage, { id: bareId, resume: true }),
    };
    const times: Times = { woken: [], asleep: [], bare: [] };
    for (let sample = -1; sample < SAMPLES; sample++) {
      for (const way of inTurns(sample, ['woken', 'bare', 'asleep'] as const)) {
        const time = await ways[way]();
        if (sample >= 0) times[way].push(time);
      }
    }
    return rows(times);
  } finally {
    await cleanup.run();
  }
}

async function afterHibernation(holdfast: Holdfast, client: ThroughUs, how: { rival: string; woken: boolean }): Promise<number> {
  await hibernate(holdfast, client.sessionId, how.rival);
  const device = how.woken ? await attach(holdfast, client.sessionId) : null;
  const time = firstTokenMs(await client.send(TEXT));
  await device?.close();
  return time;
}

async function onBarePipes(stage: ClaudeStage, conversation: Conversation): Promise<number> {
  const cleanup = new Cleanup();
  try {
    const claude = new BareClaude(stage, cleanup, conversation);
    await claude.ready;
    const time = firstTokenMs(await claude.send(TEXT));
    await claude.end();
    return time;
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

function rows({ woken, asleep, bare }: Times): Row[] {
  const measure = 'first token in a hibernated session that was woken by attach';
  const against = (name: string, p: number): Pick<Row, 'measure' | 'ours' | 'baseline' | 'compared'> => {
    const [ours, cold] = [percentile(woken, p), percentile(asleep, p)];
    return {
      measure: `${measure}, ${name} (n=${woken.length})`,
      ours: milliseconds(ours),
      baseline: `${milliseconds(cold)} not woken`,
      compared: `${added(ours - cold)}, ${(cold / ours).toFixed(1)}× faster`,
    };
  };
  return [
    { ...against('p50', 0.5), target: `≤ ${LIMIT_MS} ms`, met: median(woken) <= LIMIT_MS },
    { ...against('slowest', 1), target: '', met: null },
    {
      measure: `${measure}, against the CLI alone, p50`,
      ours: milliseconds(median(woken)),
      baseline: `${milliseconds(median(bare))} bare pipe, resumed before`,
      compared: added(median(woken) - median(bare)),
      target: '',
      met: null,
    },
  ];
}
