import { setTimeout as sleep } from 'node:timers/promises';
import pidusage from 'pidusage';
import type { Holdfast } from '../../test/support/holdfast.ts';
import { Cleanup } from '../cleanup.ts';
import { openEchoSessions, roomFor } from '../echo-sessions.ts';
import { inTurns } from '../in-turns.ts';
import { cpuMs } from '../process-cpu.ts';
import { added, milliseconds, type Row } from '../report.ts';
import { startServer } from '../stage.ts';
import { median } from '../statistics.ts';

const SESSIONS = 100;
const LIMIT_MS = 50;
const PAIRS = 3;
const INTERVAL_SECONDS = 0.5;
const CHECKS = 10;
/** After a start of the server: its sessions are taken over, and its code is warm. */
const SETTLE_MS = 2_000;
const WAYS = {
  checked: { HEALTH_CHECK_INTERVAL_SECONDS: String(INTERVAL_SECONDS) },
  unchecked: { HEALTH_CHECK_INTERVAL_SECONDS: '86400' },
};

/**
 * CPU time of one health check of 100 live echo sessions: what the server's own process uses, by the system's count (all its
 * threads, and programs that it ran), while it checks every half second, less what the same server uses in the same
 * time when it never checks. It is started anew for each, in turns, and takes the same agents over each time. A check
 * takes far less than the half second, so none is left out. Beside it, pidusage alone on the same agents.
 */
export async function health(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const holdfast = await startServer(cleanup, { ...roomFor(SESSIONS), ...WAYS.unchecked });
    const ids = await openEchoSessions(holdfast, SESSIONS);
    const used: Record<keyof typeof WAYS, number[]> = { checked: [], unchecked: [] };
    const bare: number[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      for (const way of inTurns(pair, ['checked', 'unchecked'] as const)) {
        await holdfast.stop();
        await holdfast.start(WAYS[way]);
        await sleep(SETTLE_MS);
        used[way].push(await cpuPerInterval(holdfast));
      }
      bare.push(await barePidusage(await pidsOf(holdfast, ids)));
    }
    return rows(used.checked, used.unchecked, bare);
  } finally {
    await cleanup.run();
  }
}

/** CPU time of the server in the time of one check, in milliseconds. */
async function cpuPerInterval({ pid }: Holdfast): Promise<number> {
  const before = cpuMs(pid);
  await sleep(CHECKS * INTERVAL_SECONDS * 1_000);
  return (cpuMs(pid) - before) / CHECKS;
}

/** The agents' pids. Throws when one of them has gone: then it would not be a check of so many. */
async function pidsOf({ client }: Holdfast, ids: readonly string[]): Promise<number[]> {
  const pids = (await Promise.all(ids.map((id) => client.status(id)))).map(({ pid }) => pid);
  const alive = pids.filter((pid) => pid !== undefined);
  if (alive.length !== SESSIONS) throw new Error(`Only ${alive.length} of ${SESSIONS} sessions are live.`);
  return alive;
}

/** CPU time of reading so many processes' figures and doing nothing with them, in milliseconds, in this process. */
async function barePidusage(pids: number[]): Promise<number> {
  await pidusage(pids);
  const before = process.cpuUsage();
  for (let look = 0; look < CHECKS; look++) await pidusage(pids);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / CHECKS;
}

function rows(checked: number[], unchecked: number[], bare: number[]): Row[] {
  const check = median(checked.map((used, pair) => used - (unchecked[pair] ?? NaN)));
  const alone = median(bare);
  return [
    {
      measure: `CPU of one health check of ${SESSIONS} sessions (echo; median of ${PAIRS} pairs of ${CHECKS} checks)`,
      ours: `${milliseconds(median(checked))} with it`,
      baseline: `${milliseconds(median(unchecked))} the same server without`,
      compared: added(check),
      target: `≤ ${LIMIT_MS} ms`,
      met: check <= LIMIT_MS,
    },
    {
      measure: 'the same check against its reading of the figures alone',
      ours: milliseconds(check),
      baseline: `${milliseconds(alone)} bare pidusage`,
      compared: `${(check / alone).toFixed(1)}×`,
      target: '',
      met: null,
    },
  ];
}
