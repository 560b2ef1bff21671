import { describe, expect, it } from 'vitest';
import { readPage } from '../../server/events/event-pages.ts';
import type { Reader } from '../../server/events/reader.ts';
import { LogUnderTest, pages, TestSink } from './log-under-test.ts';

const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_unused, index) => first + index);
const seqs = (sink: TestSink): number[] => sink.seen.map((event) => event.seq);

/** A small generator of numbers from a seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

describe('a reader', () => {
  it('[EV70] reads what was, page by page, then follows what comes: each event once, in order', async () => {
    const test = new LogUnderTest();
    test.add(1_000);
    const sink = new TestSink();
    const reader = test.reader(10, sink);
    reader.start();
    // What comes between two pages is part of what was.
    test.add(5);
    await pages(reader);
    expect(reader.phase).toBe('live');
    test.add(5);
    expect(seqs(sink)).toEqual(upTo(1_010, 11));
    expect(reader.cursor).toBe(1_010);
  });

  it('[EV71] leaves a slow sink to the log, without listening, and goes on where that stopped', async () => {
    const test = new LogUnderTest();
    test.add(10);
    const sink = new TestSink();
    const reader = test.reader(0, sink);
    reader.start();
    sink.room = 3;
    test.add(8);
    expect(reader.phase).toBe('behind');
    expect(test.log.listenerCount).toBe(0);
    test.add(500);
    expect(seqs(sink)).toEqual(upTo(13));
    sink.readOn(100);
    expect(reader.phase).toBe('behind');
    expect(seqs(sink)).toEqual(upTo(113));
    sink.readOn();
    await pages(reader);
    test.add(1);
    expect(seqs(sink)).toEqual(upTo(519));
    expect(test.log.listenerCount).toBe(1);
  });

  it('[EV72] tells a cursor from another history so, and goes on from the end', () => {
    const test = new LogUnderTest();
    test.add(5);
    const sink = new TestSink();
    const reader = test.reader(50, sink);
    reader.start();
    expect(sink.notices.map(({ kind }) => kind)).toEqual(['ahead']);
    expect(JSON.parse(sink.notices[0]?.json ?? '')).toMatchObject({
      sessionId: test.session.id,
      seq: 50,
      channel: 'reader',
      data: { cursor: 5 },
    });
    test.add(2);
    expect(seqs(sink)).toEqual([6, 7]);
  });

  it.each([
    ['at the hole', 5, null, [106, 107]],
    ['in the hole', 6, { cursor: 105, snapshot: { state: 'ready' } }, [106, 107]],
    ['at the end of the hole', 105, { cursor: 105, snapshot: { state: 'ready' } }, [106, 107]],
    ['behind the hole', 106, null, [107]],
  ])('[EV73] tells a cursor in a hole of the log that there is a gap, with a snapshot: %s', (_what, after, notice, rest) => {
    const test = new LogUnderTest();
    test.add(5);
    test.store.events.skip(100);
    // At its end a page's cursor is the log's, so that nobody comes back with one that lies in the hole.
    expect(readPage(test.store, test.session, 0, 10)).toMatchObject({ cursor: 105, done: true });
    test.add(2);
    const sink = new TestSink();
    test.reader(after, sink).start();
    expect(sink.notices.map(({ kind, json }) => [kind, JSON.parse(json).data])).toEqual(notice ? [['gap', notice]] : []);
    expect(seqs(sink)).toEqual(rest);
  });

  it('[EV74] continues with the whole message where a cursor lies inside deltas that were compacted, without a gap', () => {
    const test = new LogUnderTest();
    test.turn(50);
    test.time += 60_000;
    expect(test.compaction.sweep()).toBe(50);
    expect(test.compaction.sweep()).toBe(0);
    const sink = new TestSink();
    const reader = test.reader(20, sink);
    reader.start();
    expect(sink.notices).toEqual([]);
    expect(sink.seen.map(({ kind }) => kind)).toEqual(['message', 'turn.cancelled']);
    expect(reader.cursor).toBe(test.head);
    const page = readPage(test.store, test.session, 1, 1);
    expect(page).toMatchObject({ done: false, events: [{ kind: 'message' }] });
  });

  it('[EV75] keeps every delta until a minute after the end of its turn', () => {
    const test = new LogUnderTest();
    test.turn(10);
    test.time += 59_999;
    expect(test.compaction.sweep()).toBe(0);
    const sink = new TestSink();
    test.reader(0, sink).start();
    expect(seqs(sink)).toEqual(upTo(13));
  });

  it('[EV76] writes nothing after it was closed, be it from inside a write, and leaves no listener behind', async () => {
    for (const room of [1, 5, 300, 2_000]) {
      const test = new LogUnderTest();
      test.add(1_000);
      const sink = new TestSink();
      const reader = test.reader(0, sink);
      sink.onWrite = () => void (sink.seen.length === room && reader.close());
      reader.start();
      await pages(reader);
      if (room > 1_000) reader.close();
      const count = sink.seen.length;
      expect(count).toBe(Math.min(room, 1_000));
      test.add(10);
      await new Promise((resolve) => setImmediate(resolve));
      sink.readOn();
      expect(sink.seen.length).toBe(count);
      expect(reader.phase).toBe('closed');
      expect(test.log.listenerCount).toBe(0);
    }
  });

  it('[EV77] gives nobody what was rolled back', () => {
    const test = new LogUnderTest();
    test.add(3);
    const sink = new TestSink();
    test.reader(0, sink).start();
    const fail = (): void =>
      test.log.transact((append) => {
        append(test.session, [{ channel: 'agent', kind: 'unknown', data: { line: 'never' } }]);
        throw new Error('The disk is full.');
      });
    expect(fail).toThrow('The disk is full.');
    test.add(1);
    expect(sink.seen.map((event) => JSON.parse(event.data).line)).not.toContain('never');
    expect(seqs(sink)).toEqual(upTo(4));
  });

  // Every seed that ever failed stays in this list.
  it.each([1, 2, 3, 4, 5, 20260101, ...[Date.now() % 1_000_000]])(
    '[EV78] misses and repeats nothing, whatever order things come in (seed %i)',
    async (seed) => {
      const below = random(seed);
      const test = new LogUnderTest();
      const removed = new Set<number>();
      const clients = Array.from({ length: 4 }, () => ({ sinks: [] as TestSink[], reader: null as Reader | null, cursor: 0 }));
      const connect = (client: (typeof clients)[number]): void => {
        const sink = new TestSink();
        sink.room = 1 + below(200);
        client.sinks.push(sink);
        client.reader = test.reader(client.cursor, sink);
        client.reader.start();
      };
      for (let step = 0; step < 400; step++) {
        const client = clients[below(clients.length)];
        switch (below(7)) {
          case 0:
            test.add(1 + below(300));
            break;
          case 1:
            test.turn(below(40));
            break;
          case 2: {
            test.time += 61_000;
            const before = test.store.events.page(test.session.num, 0, 1_000_000).map(({ seq }) => seq);
            test.compaction.sweep();
            const kept = new Set(test.store.events.page(test.session.num, 0, 1_000_000).map(({ seq }) => seq));
            for (const seq of before) if (!kept.has(seq)) removed.add(seq);
            break;
          }
          case 3:
            client?.sinks.at(-1)?.readOn(1 + below(400));
            break;
          case 4:
            await new Promise((resolve) => setImmediate(resolve));
            break;
          default:
            if (!client) break;
            if (client.reader) {
              client.cursor = client.sinks.at(-1)?.seen.at(-1)?.seq ?? client.cursor;
              client.reader.close();
              client.reader = null;
            } else connect(client);
        }
      }
      for (const client of clients) {
        if (!client.reader) connect(client);
        for (;;) {
          await new Promise((resolve) => setImmediate(resolve));
          if (client.reader?.phase === 'live') break;
          client.sinks.at(-1)?.readOn();
        }
        const seen = client.sinks.flatMap(seqs);
        expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
        const missed = upTo(test.head).filter((seq) => !seen.includes(seq));
        expect(missed.filter((seq) => !removed.has(seq))).toEqual([]);
        expect(client.sinks.flatMap((sink) => sink.notices)).toEqual([]);
      }
      expect(test.log.listenerCount).toBe(clients.length);
      for (const client of clients) client.reader?.close();
      expect(test.log.listenerCount).toBe(0);
    },
  );
});
