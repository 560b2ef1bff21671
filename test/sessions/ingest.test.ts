import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Driver, Output } from '../../server/agents/driver.ts';
import { EventLog } from '../../server/events/event-log.ts';
import { readPage } from '../../server/events/event-pages.ts';
import { systemClock } from '../../server/platform/clock.ts';
import { noProbe } from '../../server/platform/probe.ts';
import type { Cell } from '../../server/sessions/cell.ts';
import type { SessionContext } from '../../server/sessions/context.ts';
import type { Incarnation } from '../../server/sessions/lifecycle/incarnation.ts';
import { ingest } from '../../server/sessions/ingest.ts';
import { openTurn } from '../../server/sessions/turns/open-turn.ts';
import { openDatabase } from '../../server/storage/database.ts';
import { openStore } from '../../server/storage/store.ts';

const TURN = '11111111-1111-4111-8111-111111111111';

/** A session with a running turn, whose agent's lines are JSON of what the driver is to make of them. */
function stage() {
  const store = openStore(openDatabase(':memory:'));
  const logger = pino({ level: 'silent' });
  const log = new EventLog({ store, clock: systemClock, logger });
  const session = store.sessions.insert({
    ...{ id: '22222222-2222-4222-8222-222222222222', owner: 'o', name: 'n', agent: 'echo', project_path: '/p', mode: 'ask' },
    ...{ model: null, labels: '[]', created_at: 1 },
  });
  store.incarnations.insert({
    ...{ id: 'i', session_num: session.num, agent: 'echo', resumed: 0, boot_id: 'b', driver_state: '{}', state_version: 1 },
    ...{ mode: 'ask', model: null, created_at: 1 },
  });
  store.turns.insert(TURN, session.num, '{"text":"hello","attachments":[]}', 1, 1);
  const row = store.turns.byId(TURN);
  if (!row) throw new Error('The turn was not stored.');
  const driver = {
    decode: (line: string, state: unknown) => {
      if (line === 'throw') throw new Error('a defect of the driver');
      return { outputs: JSON.parse(line) as Output[], replies: [], state };
    },
  };
  // Only what ingesting needs of each; the real ones are proven by the integration tests.
  const incarnation = {
    id: 'i',
    agent: { pid: 1 },
    driver: driver as unknown as Driver,
    inSize: 0,
    outOffset: 0,
    state: {},
    refusals: 0,
  } as unknown as Incarnation;
  const context = { store, log, logger, clock: systemClock, probe: noProbe, limits: { approvalTimeoutMs: 0 } } as unknown as SessionContext;
  const cell: Cell = {
    context,
    key: session,
    state: { kind: 'working', turnId: TURN },
    turn: openTurn(row),
    incarnation,
    screens: new Map(),
  };
  let offset = 0;
  const take = (...lines: (string | Output[])[]) => {
    const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    offset += texts.join('').length + texts.length;
    const framed = texts.map((text) => ({ bytes: Buffer.from(text), end: offset, tooLong: false }));
    return ingest(cell, incarnation, { lines: framed, offset, skipping: false });
  };
  const events = () =>
    readPage(store, session, 0, 1_000).events.map((event) => ({ kind: event.kind, data: JSON.parse(event.data) as unknown }));
  return { store, session, cell, take, events };
}

const text = (delta: string, messageId = 'm'): Output => ({ kind: 'text', turnId: TURN, data: { messageId, delta } });

describe('taking in what an agent says', () => {
  it('[SE60] merges the deltas of one message that come together, and no others', () => {
    const { take, events } = stage();
    take([text('a')], [text('b')], [text('c', 'other')], [text('d', 'other')]);
    take([text('e', 'other')]);
    expect(events().map(({ data }) => (data as { delta: string }).delta)).toEqual(['ab', 'cd', 'e']);
  });

  it('[SE61] keeps what a turn had said so far when it does not complete, as a whole message marked partial', () => {
    const { take, events, store, session } = stage();
    take([text('half an ')], [text('answer')]);
    take([{ kind: 'turn.cancelled', turnId: TURN }]);
    expect(events().map(({ kind }) => kind)).toEqual(['text', 'message', 'turn.cancelled']);
    expect(events()[1]?.data).toMatchObject({ text: 'half an answer', partial: true });
    expect(store.messages.page(session.num, 1e9, 10)).toMatchObject([{ text: 'half an answer', partial: 1 }]);
    expect(store.turns.byId(TURN)).toMatchObject({ state: 'cancelled', input: null });
  });

  it('[SE62] ends a turn once: what comes for it later changes nothing', () => {
    const { take, events, cell } = stage();
    const result = { text: 'done', usage: null, costUsd: null };
    take([{ kind: 'turn.completed', turnId: TURN, result }]);
    take([{ kind: 'turn.completed', turnId: TURN, result }], [{ kind: 'turn.failed', turnId: TURN, code: 'x', detail: 'y' }]);
    expect(events().filter(({ kind }) => kind === 'turn.completed' || kind === 'turn.failed')).toHaveLength(1);
    expect(cell).toMatchObject({ turn: null, state: { kind: 'ready' } });
  });

  it('[SE63] leaves memory and store as they were when a batch fails, and takes it whole when it comes again', () => {
    const { take, events, cell } = stage();
    const before = { ...cell };
    expect(() => take([text('a')], 'throw')).toThrow('a defect of the driver');
    expect(events()).toEqual([]);
    expect(cell).toEqual(before);
  });

  it('[SE64] does not let one batch hold up a session for ever: at the third failure its lines are kept as they came', () => {
    const { take, events } = stage();
    expect(() => take('throw')).toThrow();
    expect(() => take('throw')).toThrow();
    take('throw');
    take([text('goes on')]);
    expect(events()).toEqual([
      { kind: 'unknown', data: { line: 'throw' } },
      { kind: 'text', data: expect.objectContaining({ delta: 'goes on' }) as unknown },
    ]);
  });
});
