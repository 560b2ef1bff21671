import { eventually } from '../../test/support/eventually.ts';
import type { Holdfast } from '../../test/support/holdfast.ts';
import { TestSocket } from '../../test/support/socket.ts';
import { Cleanup } from '../cleanup.ts';
import { openEchoSessions, roomFor } from '../echo-sessions.ts';
import { inTurns } from '../in-turns.ts';
import { added, milliseconds, type Row } from '../report.ts';
import { startServer } from '../stage.ts';
import { median } from '../statistics.ts';

const SESSIONS = 50;
const LIMIT_MS = 1_000;
const ROUNDS = 5;

/** A session and the process that it keeps. */
interface Agent {
  id: string;
  pid: number | undefined;
}

/** Milliseconds from the spawn of the new server. */
interface Restart {
  /** It answers. */
  listens: number;
  /** All sessions are attached, and their status is `ready`. */
  served: number;
  /** Each of them has answered a message, all at once. */
  answered: number;
}

/**
 * Restart of a server with 50 live echo sessions after kill -9, on the same data folder: from the spawn of the new one until
 * a client is attached to every session by its WebSocket and has seen each one's status say `ready`; then until each has
 * answered a message. Beside it a server without sessions, in turns: from its spawn until it has answered a request.
 */
export async function restart(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const empty = await startServer(cleanup, roomFor(SESSIONS));
    const full = await startServer(cleanup, roomFor(SESSIONS));
    const ids = await openEchoSessions(full, SESSIONS);
    const agents = await Promise.all(ids.map(async (id) => ({ id, pid: (await full.client.status(id)).pid })));
    const times = { empty: [] as Restart[], full: [] as Restart[] };
    for (let round = -1; round < ROUNDS; round++) {
      const ways = { empty: () => restarted(empty, []), full: () => restarted(full, agents) };
      for (const way of inTurns(round, ['empty', 'full'] as const)) {
        const time = await ways[way]();
        if (round >= 0) times[way].push(time);
      }
    }
    const base = median(times.empty.map(({ served }) => served));
    const row = (what: string, step: keyof Restart): Row => compared(what, median(times.full.map((time) => time[step])), base);
    return [
      { ...row('until it answers', 'listens'), target: '', met: null },
      row('until all are attached and ready', 'served'),
      row('until each has also answered a message', 'answered'),
    ];
  } finally {
    await cleanup.run();
  }
}

async function restarted(holdfast: Holdfast, agents: readonly Agent[]): Promise<Restart> {
  await holdfast.kill();
  const startedAt = performance.now();
  const since = (): number => performance.now() - startedAt;
  await holdfast.start();
  await holdfast.client.call('GET', '/api/sessions');
  const listens = since();
  const sockets = await Promise.all(agents.map((agent) => attached(holdfast, agent)));
  const served = since();
  await Promise.all(agents.map(({ id }) => holdfast.client.ask({ sessionId: id, message: 'hello' })));
  const answered = since();
  await Promise.all(sockets.map((socket) => socket.close()));
  return { listens, served, answered };
}

/** Attaches to a session; resolves when its status says `ready`. Throws when that is not the process that it had. */
async function attached({ client, url }: Holdfast, agent: Agent): Promise<TestSocket> {
  const socket = await TestSocket.open(url, `/api/sessions/${agent.id}/stream`);
  const { pid } = await eventually(async () => {
    const status = await client.status(agent.id);
    return status.state === 'ready' ? status : null;
  });
  if (pid !== agent.pid) throw new Error(`Session ${agent.id} had process ${agent.pid} and has ${pid} now.`);
  return socket;
}

function compared(what: string, ours: number, base: number): Row {
  return {
    measure: `restart with ${SESSIONS} live sessions (echo) after kill -9, ${what} (median of ${ROUNDS})`,
    ours: milliseconds(ours),
    baseline: `${milliseconds(base)} without sessions`,
    compared: added(ours - base),
    target: `≤ +${LIMIT_MS / 1_000} s`,
    met: ours - base <= LIMIT_MS,
  };
}
