import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { collectGarbage } from '../../test/support/garbage.ts';
import { serve } from '../../test/support/serve.ts';

// The whole real server, on a clock that goes as all clocks do and can be put on. A second port takes two requests:
// POST /advance?ms=…&step=… puts the clock on, step by step, and GET /memory tells what is in use after a collection.

/** Milliseconds for which the machine's own time goes on after the clock was put on: a health check is done by then. */
const PAUSE_MS = 5;
const DRIFT_MS = 10;

const clock = new FakeClock();
let seen = performance.now();
// Processes take the time that they take, and whoever waits for them waits by this clock.
setInterval(() => {
  const now = performance.now();
  clock.advance(now - seen);
  seen = now;
}, DRIFT_MS);

async function advance(milliseconds: number, step: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= step) {
    clock.advance(Math.min(step, left));
    await nextTurn();
  }
  await sleep(PAUSE_MS);
}

async function memory(): Promise<{ used: number; resident: number }> {
  // Buffers are let go of by finalizers, which run after a collection.
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await sleep(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, resident: rss };
}

const controls = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  const act = pathname === '/advance' ? advance(Number(searchParams.get('ms')), Number(searchParams.get('step'))) : memory();
  void act.then((body) => response.end(JSON.stringify(body ?? {})));
});
await new Promise<void>((resolve) => controls.listen(0, '127.0.0.1', resolve));
console.log(`The clock listens on http://127.0.0.1:${(controls.address() as AddressInfo).port}`);

await serve({ clock });
