import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Driver } from '../../../server/agents/driver.ts';
import { echoDriver } from '../../../server/agents/echo/driver.ts';
import { EventLog } from '../../../server/events/event-log.ts';
import { systemClock } from '../../../server/platform/clock.ts';
import { makeLogger } from '../../../server/platform/logger.ts';
import { noProbe } from '../../../server/platform/probe.ts';
import { markedProcesses } from '../../../server/process/members.ts';
import type { SessionContext } from '../../../server/sessions/context.ts';
import { ProseWriter } from '../../../server/sessions/recap/prose-writer.ts';
import { Recaps } from '../../../server/sessions/recap/recaps.ts';
import { openDatabase } from '../../../server/storage/database.ts';
import type { SessionRow } from '../../../server/storage/sessions-table.ts';
import { openStore } from '../../../server/storage/store.ts';
import { plainEnv, temporaryFolder } from '../../process/temporary.ts';
import { ToldLog } from '../../support/told-log.ts';

/** A store with one session, and an agent whose forks are a shell script. */
function bench(script: string, timeLimit = 20_000) {
  const folder = temporaryFolder();
  const db = openDatabase(':memory:');
  const store = openStore(db);
  const logger = makeLogger('silent');
  const log = new EventLog({ store, clock: systemClock, logger });
  const oneShot: Driver['oneShot'] = {
    launch: () => ({ file: 'sh', args: ['-c', `echo x >> starts; ${script}`], env: {} }),
    read: (stdout) => stdout.trim() || null,
  };
  const driver = { ...echoDriver, oneShot } as Driver;
  const context: SessionContext = {
    ...{
      store,
      log,
      logger,
      clock: systemClock,
      probe: noProbe,
      starts: new PQueue(),
      limits: { maxQueuedMessages: 20, approvalTimeoutMs: 0 },
    },
    agents: new Map([
      ['scripted', { driver, command: () => 'sh', environment: () => plainEnv }],
      ['mute', { driver: echoDriver, command: () => 'sh', environment: () => plainEnv }],
    ]),
    data: { dir: folder, id: `recaps-${randomUUID()}`, bootId: 'boot' },
    newId: randomUUID,
  };
  const row = { owner: 'me', name: 'n', project_path: folder, mode: 'ask', model: null, labels: '[]', created_at: 0 };
  const session = (agent = 'scripted'): SessionRow => {
    const { num } = store.sessions.insert({ ...row, id: randomUUID(), agent });
    store.sessions.update(num, { resumable: 1, agent_session_id: 'its-own' });
    return store.sessions.byNum(num) as SessionRow;
  };
  const recaps = new Recaps(context, new ProseWriter(context, timeLimit));
  onTestFinished(async () => {
    await recaps.close();
    db.close();
  });
  const write = (to: SessionRow, told: ToldLog): void => log.transact((append) => void append(to, told.events));
  const starts = (): number =>
    existsSync(join(folder, 'starts')) ? readFileSync(join(folder, 'starts'), 'utf8').split('\n').length - 1 : 0;
  return { store, recaps, session, write, starts, left: () => markedProcesses(context.data.id) };
}

const asked = (text = 'Fix it'): ToldLog => new ToldLog().asks(randomUUID(), text);
const extended = (): ToldLog => new ToldLog().add('session.extended', { expiresAt: '2026-01-05T10:00:00.000Z' });

describe('recaps of sessions', () => {
  it('[RC12] are continued with what is new and read nothing twice', async () => {
    const { recaps, session, write, store } = bench('true');
    const one = session();
    write(one, asked('First'));
    expect(await recaps.of(one, 0, 'facts')).toMatchObject({ from: 0, cursor: 1, style: 'facts', facts: { asked: [{ text: 'First' }] } });
    write(one, asked('Second'));
    const read = vi.spyOn(store.events, 'ofKinds');
    const second = await recaps.of(one, 0, 'facts');
    expect(second).toMatchObject({ cursor: 2, facts: { asked: [{ text: 'First' }, { text: 'Second' }] } });
    expect(read.mock.calls.map(([, after]) => after)).toEqual([1]);
    expect(await recaps.of(one, 1, 'facts')).toMatchObject({ from: 1, cursor: 2, facts: { asked: [{ text: 'Second' }] } });
  });

  it('[RC12] begin at the head for a cursor from another history', async () => {
    const { recaps, session, write } = bench('true');
    const one = session();
    write(one, asked());
    expect(await recaps.of(one, 99, 'facts')).toMatchObject({ from: 1, cursor: 1, text: 'Nothing has happened.' });
  });

  it('[RC13] let others get their turn while a long log is read, and leave deltas unread', async () => {
    const { recaps, session, write } = bench('true');
    const one = session();
    const log = asked();
    for (let count = 0; count < 30_000; count++) log.add('text', { messageId: 'm', delta: 'x' });
    write(one, log);
    let others = 0;
    let reading = true;
    const tick = (): void => {
      others += 1;
      if (reading) setImmediate(tick);
    };
    setImmediate(tick);
    const parse = vi.spyOn(JSON, 'parse');
    expect(await recaps.of(one, 0, 'facts')).toMatchObject({ cursor: 30_001 });
    reading = false;
    expect(parse.mock.calls.length).toBeLessThan(20);
    parse.mockRestore();
    expect(others).toBeGreaterThanOrEqual(5);
  });

  it('[RC14] in prose are written once until something new is told; being kept alive is nothing new', async () => {
    const { recaps, session, write, starts } = bench('cat > question; echo " It went well. "');
    const one = session();
    expect(await recaps.of(one, 0, 'prose')).toMatchObject({ style: 'facts', note: 'Nothing has happened.' });
    write(one, asked());
    expect(await recaps.of(one, 0, 'prose')).toMatchObject({ style: 'prose', text: 'It went well.', facts: { counts: { asked: 1 } } });
    write(one, extended());
    expect(await recaps.of(one, 0, 'prose')).toMatchObject({ style: 'prose', text: 'It went well.', cursor: 2 });
    expect(starts()).toBe(1);
    expect(readFileSync(join(one.project_path, 'question'), 'utf8')).toContain('1 asked');
    write(one, asked('More'));
    expect(await recaps.of(one, 0, 'prose')).toMatchObject({ style: 'prose' });
    expect(starts()).toBe(2);
  });

  it('[RC15] fall back to facts and say why', async () => {
    const failing = bench('echo no >&2; exit 1');
    const cases = [
      { make: failing, row: failing.session(), note: 'The agent could not write it.' },
      { make: failing, row: failing.session('mute'), note: 'The agent mute cannot write recaps.' },
      { make: failing, row: failing.session(), note: 'The agent has no conversation yet.', fresh: true },
    ];
    for (const { make, row, note, fresh } of cases) {
      make.write(row, asked());
      const recap = await make.recaps.of(fresh ? { ...row, resumable: 0 } : row, 0, 'prose');
      expect(recap).toMatchObject({ style: 'facts', note, text: expect.stringContaining('1 asked') as string });
    }
  });

  it('[RC15] give up a slow agent within the time limit, and leave nothing of it', async () => {
    const { recaps, session, write, left } = bench('setsid sleep 60 & sleep 60', 300);
    const one = session();
    write(one, asked());
    const began = performance.now();
    expect(await recaps.of(one, 0, 'prose')).toMatchObject({ style: 'facts', note: 'The agent did not write it within 0.3 s.' });
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(left()).toEqual([]);
  });

  it('[RC16] are written one at a time per session: the same stretch is shared, another one gets facts', async () => {
    const { recaps, session, write, starts } = bench('sleep 0.4; echo written');
    const one = session();
    write(one, asked());
    write(one, asked());
    const [first, same, other] = await Promise.all([
      recaps.of(one, 0, 'prose'),
      recaps.of(one, 0, 'prose'),
      recaps.of(one, 1, 'prose'),
    ]); // prettier-ignore
    expect([first, same]).toMatchObject([{ style: 'prose' }, { style: 'prose' }]);
    expect(other).toMatchObject({ style: 'facts', note: expect.stringContaining('Another recap') as string });
    expect(starts()).toBe(1);
    const busy = await Promise.all(
      [session(), session(), session()].map(async (row) => {
        write(row, asked());
        return (await recaps.of(row, 0, 'prose')).style;
      }),
    );
    expect(busy).toEqual(['prose', 'prose', 'facts']);
  });

  it('[RC17] end with the server, whatever is being written', async () => {
    const { recaps, session, write, left } = bench('sleep 60');
    const one = session();
    write(one, asked());
    const recap = recaps.of(one, 0, 'prose');
    await vi.waitFor(() => expect(left()).not.toEqual([]));
    const began = performance.now();
    await recaps.close();
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(await recap).toMatchObject({ style: 'facts' });
    expect(left()).toEqual([]);
  });
});
