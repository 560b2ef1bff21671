import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventOf, journalOf } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { heldMb, measuredServer, peakMb, resetPeak } from '../support/memory.ts';
import { StalledClient } from '../support/stalled-client.ts';

const LINE_BYTES = 200_000;
const LINES = 500;
const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** The `seq` of every event in a stream of either kind: each event says it once, right behind its session. */
function seqsIn(received: Buffer): number[] {
  return [...received.toString('latin1').matchAll(/\{"sessionId":"[0-9a-f-]{36}","seq":(\d+),"at"/g)].map((match) => Number(match[1]));
}

describe('a client that stops reading', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    holdfast = await Holdfast.start({ program: measuredServer });
  });
  afterAll(() => holdfast.dispose());

  /** A session whose agent is at work. */
  async function working(name: string): Promise<{ sessionId: string; out: string }> {
    const { sessionId, cursor } = (await holdfast.client.send({ message: 'sleep=600000', projectPath: holdfast.folder(name) })).body;
    await eventOf(holdfast.client, sessionId, 'turn.started', cursor);
    return { sessionId, out: join(await journalOf(holdfast, sessionId), 'out') };
  }

  /** 100 MB of lines from that agent, all of which become events; gives the most that the server held meanwhile, in MiB. */
  async function produce({ sessionId, out }: { sessionId: string; out: string }): Promise<number> {
    let { cursor } = await holdfast.client.session(sessionId);
    let most = 0;
    for (let tenth = 0; tenth < 10; tenth++) {
      for (let index = 0; index < LINES / 10; index++) {
        const line = `{"type":"filler","index":${index},"text":"`;
        appendFileSync(out, `${line}${'x'.repeat(LINE_BYTES - line.length - 3)}"}\n`);
      }
      cursor += LINES / 10;
      await eventually(async () => (await holdfast.client.session(sessionId)).cursor === cursor, 60);
      most = Math.max(most, await heldMb(holdfast));
    }
    return most;
  }

  it('[EV60] costs the server less than 20 MB, and gets every event once when it reads on', async () => {
    const warm = await working('warm');
    await produce(warm);
    resetPeak(holdfast.pid);
    const alone = await produce(warm);
    const peakAlone = peakMb(holdfast.pid);
    const followed = await working('followed');
    const headers = { accept: 'text/event-stream' };
    const clients = [
      await StalledClient.ask(holdfast.url, `/api/sessions/${followed.sessionId}/events?after=0`, headers),
      await StalledClient.ask(holdfast.url, `/api/sessions/${followed.sessionId}/stream?after=0`, upgrade),
    ];
    resetPeak(holdfast.pid);
    const stalled = await produce(followed);
    const peakStalled = peakMb(holdfast.pid);
    const { cursor } = await holdfast.client.session(followed.sessionId);
    for (const client of clients) client.readOn();
    await eventually(() => clients.every((client) => client.bytes > LINES * LINE_BYTES), 60);
    await eventually(() => clients.every((client) => seqsIn(client.received.subarray(-3 * LINE_BYTES)).at(-1) === cursor), 60);
    const everything = Array.from({ length: cursor }, (_unused, index) => index + 1);
    for (const client of clients) expect(seqsIn(client.received)).toEqual(everything);
    const figures = [alone, stalled, await heldMb(holdfast), peakAlone, peakStalled].map((figure) => figure.toFixed(1));
    console.info(
      `The server held at most ${figures[0]} MiB alone, ${figures[1]} with two clients that read nothing, ${figures[2]} afterwards (with garbage: ${figures[3]}, ${figures[4]}).`,
    );
    expect(stalled - alone).toBeLessThan(20);
    // Garbage comes and goes by some tens of MiB; buffering for both would be 200.
    expect(peakStalled - peakAlone).toBeLessThan(100);
    for (const client of clients) client.close();
  }, 180_000);

  it('[EV61] tells a reader whose cursor is from another history so, and goes on from what there is', async () => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.folder('ahead') });
    const { cursor } = await client.session(sessionId);
    const page = await client.call<{ events: unknown[]; cursor: number }>('GET', `/api/sessions/${sessionId}/events?after=${cursor + 500}`);
    expect(page.body).toMatchObject({ events: [{ channel: 'reader', kind: 'ahead', seq: cursor + 500, data: { cursor } }], cursor });
    const leave = new AbortController();
    const seen: string[] = [];
    const following = (async (): Promise<void> => {
      for await (const event of client.stream(`/api/sessions/${sessionId}/events?after=${cursor + 500}`, { signal: leave.signal })) {
        seen.push(`${event.kind} ${event.seq}`);
        if (event.kind === 'turn.completed') break;
      }
    })();
    await eventually(() => seen.length === 1);
    expect(seen).toEqual([`ahead ${cursor + 500}`]);
    await client.ask({ message: 'hello again', sessionId });
    await following;
    leave.abort();
    expect(seen[1]).toBe(`turn.accepted ${cursor + 1}`);
  });
});
