import { setTimeout as sleep } from 'node:timers/promises';
import { residentMb } from '../../test/support/memory.ts';
import { Cleanup } from '../cleanup.ts';
import { openEchoSessions, roomFor } from '../echo-sessions.ts';
import type { Row } from '../report.ts';
import { startServer } from '../stage.ts';
import { slope } from '../statistics.ts';

const IDLE_LIMIT_MB = 110;
const SESSION_LIMIT_KB = 100;
const QUIET_MS = 10_000;
/** The first sessions also warm the server up: the slope is taken from there on. */
const STEPS = [20, 40, 60, 80] as const;

/**
 * Memory of the server's own process: its resident set after the start and 10 s of quiet, and how much each idle live
 * session (echo) adds, as the slope of the resident set. The server was started once before, so that its compile cache
 * is there.
 */
export async function memory(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const holdfast = await startServer(cleanup, roomFor(STEPS.at(-1) ?? 0));
    await sleep(3_000);
    await holdfast.stop();
    await holdfast.start();
    await sleep(QUIET_MS);
    const idle = residentMb(holdfast.pid);
    const points: { x: number; y: number }[] = [];
    for (const step of STEPS) {
      await openEchoSessions(holdfast, step - (points.at(-1)?.x ?? 0));
      await sleep(QUIET_MS / 2);
      points.push({ x: step, y: residentMb(holdfast.pid) });
    }
    return rows(idle, points);
  } finally {
    await cleanup.run();
  }
}

function rows(idleMb: number, points: { x: number; y: number }[]): Row[] {
  const each = slope(points) * 1024;
  const [first, last] = [points[0], points.at(-1)];
  return [
    {
      measure: 'server memory, idle (RSS)',
      ours: `${idleMb.toFixed(1)} MiB`,
      baseline: '',
      compared: '',
      target: `≤ ${IDLE_LIMIT_MB} MB`,
      met: idleMb * 1.048576 <= IDLE_LIMIT_MB,
    },
    {
      measure: `server memory per idle session (slope of RSS, ${first?.x} to ${last?.x} echo sessions)`,
      ours: `${each.toFixed(0)} kB`,
      baseline: `${(last?.y ?? 0).toFixed(1)} MiB with ${last?.x}`,
      compared: '',
      target: `≤ ${SESSION_LIMIT_KB} kB`,
      met: each <= SESSION_LIMIT_KB,
    },
  ];
}
