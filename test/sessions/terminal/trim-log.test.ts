import { describe, expect, it } from 'vitest';
import type { Output } from '../../../server/agents/driver.ts';
import type { NewEvent } from '../../../server/contracts/events.ts';
import { checkCursor } from '../../../server/events/event-pages.ts';
import { MOST_BYTES, mergeOutput } from '../../../server/sessions/terminal/merge-output.ts';
import { trimLog } from '../../../server/sessions/terminal/trim-log.ts';
import { LogUnderTest, pages, TestSink } from '../../events/log-under-test.ts';

const MiB = 1024 * 1024;
const output = (size: number): NewEvent => ({ channel: 'terminal', kind: 'output', data: { data: 'A'.repeat(size) } });

/** Prints so much, one event of this size a batch, as a terminal does; returns how many are kept. */
function print(test: LogUnderTest, count: number, size: number): number {
  let since = 0;
  for (let index = 0; index < count; index++) {
    test.append([output(size)]);
    since = trimLog(test.store, test.session.num, [output(size)], since);
  }
  return [...test.store.events.sizes(test.session.num)].length;
}

describe("a terminal's log", () => {
  it('[TT23] keeps the newest 8 MiB, counting 200 bytes for each event; an older cursor does not fit', () => {
    const large = new LogUnderTest();
    expect(print(large, 400, 40_000)).toBeGreaterThan((8 * MiB) / 40_200 - 2);
    expect(print(large, 400, 40_000)).toBeLessThan((9.2 * MiB) / 40_200 + 2);
    expect(checkCursor(large.store, large.session, 0)).toMatchObject({ fits: false, kind: 'gap' });
    expect(checkCursor(large.store, large.session, large.head - 100)).toEqual({ fits: true });
    const small = new LogUnderTest();
    const kept = print(small, 60_000, 4);
    expect(kept).toBeLessThan((9.2 * MiB) / 204);
    expect(kept).toBeGreaterThan((8 * MiB) / 204 - 2);
    const few = new LogUnderTest();
    expect(print(few, 100, 40_000)).toBe(100);
  });

  it('[TT24] a reader that is slow while its place is forgotten is told of the gap, and goes on with all that is kept', async () => {
    const test = new LogUnderTest();
    const sink = new TestSink();
    const reader = test.reader(0, sink);
    reader.start();
    sink.room = 1;
    print(test, 400, 40_000);
    const keptFrom = test.store.events.head(test.session.num)?.kept_from ?? 0;
    expect(keptFrom).toBeGreaterThan(2);
    sink.readOn();
    await pages(reader);
    expect(sink.notices.map(({ kind, json }) => [kind, (JSON.parse(json) as { data: { cursor: number } }).data.cursor])).toEqual([
      ['gap', keptFrom - 1],
    ]);
    const seqs = sink.seen.map(({ seq }) => seq);
    expect(seqs).toEqual([1, ...Array.from({ length: 401 - keptFrom }, (_unused, index) => keptFrom + index)]);
  });

  it('[TT25] puts together what was printed in a row, in events of at most 32 KiB, and leaves the order as it is', () => {
    const bytes = (text: string): Output => ({ kind: 'output', bytes: text });
    const resized: Output = { kind: 'resized', cols: 1, rows: 2 };
    expect(mergeOutput([bytes('a'), bytes('b'), resized, bytes('c')])).toEqual([bytes('ab'), resized, bytes('c')]);
    const merged = mergeOutput(Array.from({ length: 100 }, (_unused, index) => bytes(String(index % 10).repeat(1_000))));
    expect(merged.map((one) => (one.kind === 'output' ? one.bytes.length : 0))).toEqual([
      MOST_BYTES,
      MOST_BYTES,
      MOST_BYTES,
      100_000 - 3 * MOST_BYTES,
    ]);
  });
});
