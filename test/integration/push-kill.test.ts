import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import type { PushRecord } from '../../cli/push-sandbox/push-record.ts';
import { systemClock } from '../../server/platform/clock.ts';
import { openDatabase } from '../../server/storage/database.ts';
import { eventually } from '../support/eventually.ts';
import { PushOnClock } from '../support/push-on-clock.ts';
import { deviceToken, PushWorld } from '../support/push.ts';

const DEVICES = 100;
const MESSAGES = 3;

describe('pushes over kills', () => {
  let world: PushWorld | undefined;
  afterEach(async () => {
    await world?.dispose();
    world = undefined;
  });

  const accepted = (): PushRecord[] =>
    (world?.pushes() ?? []).filter(({ outcome, pushType }) => outcome.kind === 'accepted' && pushType === 'alert');

  /** What the store of a killed server says that the service has answered. */
  function answered(dataDir: string): Set<string> {
    const db = openDatabase(join(dataDir, 'holdfast.db'));
    const rows = db.prepare<[], { apns_id: string }>(`SELECT apns_id FROM deliveries WHERE state = 'delivered'`).all();
    db.close();
    return new Set(rows.map((row) => row.apns_id));
  }

  it('[PU20] of 300 pushes with a GOAWAY and a kill -9 in the middle all arrive, and none twice that was answered', async () => {
    const here = (world = await PushWorld.start());
    const { holdfast, sandbox } = here;
    for (let number = 1; number <= DEVICES; number += 1) await here.register(number);
    sandbox.script({ when: { nth: 60 }, then: { do: 'goaway', inFlight: 'refuse' } });
    sandbox.script({ then: { do: 'accept', delayMs: 30 } });
    for (let count = 0; count < MESSAGES; count += 1)
      await holdfast.client.ask({ message: `Number ${count}`, projectPath: holdfast.project });
    await eventually(() => accepted().length >= 150);
    await holdfast.kill();
    const known = answered(holdfast.dataDir);
    expect(known.size).toBeGreaterThan(50);
    expect(known.size).toBeLessThan(DEVICES * MESSAGES);
    const before = here.pushes().length;
    await holdfast.start();
    const wanted = DEVICES * MESSAGES;
    const arrived = (): Set<string> => new Set(accepted().map(({ token, collapseId }) => `${token} ${collapseId}`));
    await eventually(() => arrived().size === wanted, 40);
    await eventually(async () => (await holdfast.client.call<{ push: { queued: number } }>('GET', '/health')).body.push.queued === 0);
    const again = here.pushes().slice(before);
    expect(again.filter(({ apnsId }) => known.has(apnsId))).toEqual([]);
    // What was sent again without a known answer is the same push, so that a phone shows it once.
    for (const { apnsId, collapseId, token } of again) {
      const first = here.pushes().find((push) => push.collapseId === collapseId && push.token === token);
      expect(first?.apnsId).toBe(apnsId);
    }
    for (let number = 1; number <= DEVICES; number += 1) {
      expect(sandbox.device(deviceToken(number)).notifications).toHaveLength(MESSAGES);
    }
    expect(sandbox.connections().length).toBeLessThanOrEqual(4);
  });

  it('[PU21] what was logged while nobody followed is told at the next start, and devices that have it get it once', async () => {
    const here = await PushOnClock.start();
    try {
      const devices = 450;
      for (let number = 1; number <= devices; number += 1) here.device(number);
      here.sandbox.script({ then: { do: 'silence', taken: false } });
      here.fail('half of them have it');
      // The first devices have their rows by now; then the server is gone.
      await new Promise((resolve) => setImmediate(resolve));
      await here.until(() => here.rows().length >= 200);
      await here.stop();
      const made = here.rows().length;
      expect(made).toBeLessThan(devices);
      here.fail('nobody follows');
      here.sandbox.unscript();
      await here.restart();
      await here.drained();
      expect(here.rows()).toHaveLength(2 * devices);
      expect(here.taken()).toHaveLength(2 * devices);
      expect(new Set(here.taken().map(({ apnsId }) => apnsId)).size).toBe(2 * devices);
    } finally {
      await here.dispose();
    }
  });

  it('[PU22] 10,000 devices get one event without holding up the server for 50 ms, and memory stays bounded', async () => {
    const here = await PushOnClock.start({ clock: systemClock, sandbox: { capacity: 20_000 } });
    try {
      here.store.transaction(() => {
        for (let number = 1; number <= 10_000; number += 1) here.device(number);
      });
      const delay = monitorEventLoopDelay({ resolution: 1 });
      const memory = process.memoryUsage().heapUsed;
      delay.enable();
      const startedAt = performance.now();
      here.fail('for everybody');
      await here.drained(60);
      delay.disable();
      const seconds = (performance.now() - startedAt) / 1_000;
      console.log(
        `${(delay.max / 1e6).toFixed(1)} ms at most, ${Math.round(10_000 / seconds)} pushes/s, ${Math.round((process.memoryUsage().heapUsed - memory) / 1e6)} MB with the push service in the same process`,
      );
      expect(here.taken()).toHaveLength(10_000);
      expect(here.outcomes).toHaveLength(10_000);
      expect(delay.max / 1e6).toBeLessThan(50);
    } finally {
      await here.dispose();
    }
  });
});
