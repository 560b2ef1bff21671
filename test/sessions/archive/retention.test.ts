import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EventLog } from '../../../server/events/event-log.ts';
import { makeLogger } from '../../../server/platform/logger.ts';
import { noProbe } from '../../../server/platform/probe.ts';
import { Archive } from '../../../server/sessions/archive/archive.ts';
import { SessionCommands, type CommandParts } from '../../../server/sessions/commands.ts';
import type { SessionContext } from '../../../server/sessions/context.ts';
import { InteractiveSessionPool } from '../../../server/sessions/pool/pool.ts';
import { Retention } from '../../../server/sessions/archive/retention.ts';
import { openDatabase } from '../../../server/storage/database.ts';
import type { SessionChange, SessionRow } from '../../../server/storage/sessions-table.ts';
import { openStore } from '../../../server/storage/store.ts';
import { temporaryFolder } from '../../process/temporary.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { eventually } from '../../support/eventually.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const nothing = { archived: 0, deleted: 0, journals: 0 };

/** A store, a pool without processes, and the retention of both, in a time of its own. */
function bench(days = 90) {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'incarnations'));
  const clock = new FakeClock();
  const db = openDatabase(':memory:');
  onTestFinished(() => void db.close());
  const store = openStore(db);
  const logger = makeLogger('silent');
  const log = new EventLog({ store, clock, logger });
  const context: SessionContext = {
    ...{
      store,
      log,
      logger,
      clock,
      probe: noProbe,
      starts: new PQueue(),
      limits: { maxQueuedMessages: 20, approvalTimeoutMs: 0 },
      agents: new Map(),
    },
    data: { dir, id: 'retention', bootId: 'boot' },
    newId: randomUUID,
  };
  const pool = new InteractiveSessionPool(context, { max: 10, maxWaiting: 10, perMessage: false });
  const archive = new Archive(context, pool);
  const commands = new SessionCommands({ context, pool, archive } as CommandParts);
  const remove = (session: SessionRow): Promise<void> => commands.remove(session.owner, session.id);
  const retention = new Retention({ store, clock, logger, archive, remove, days });
  const session = (change: SessionChange = {}): SessionRow => {
    const given = { owner: 'me', name: 'n', agent: 'echo', project_path: dir, mode: 'ask', model: null, labels: '[]' };
    const { num, id } = store.sessions.insert({ ...given, id: randomUUID(), created_at: clock.now() });
    store.sessions.update(num, change);
    log.transact((append) => append({ num, id }, [{ channel: 'session', kind: 'session.renamed', data: { name: 'kept' } }]));
    store.messages.insert({
      ...{ id: randomUUID(), session_num: num, turn_id: null, role: 'user', text: 'kept' },
      ...{ partial: 0, attachments: null, created_at: 0 },
    });
    return store.sessions.byNum(num) as SessionRow;
  };
  /** A process of a session that has ended now, with what it left. */
  const ended = (num: number): string => {
    const id = randomUUID();
    const row = { id, session_num: num, agent: 'echo', resumed: 0, boot_id: 'boot', driver_state: '{}', state_version: 1 };
    store.incarnations.insert({ ...row, mode: 'ask', model: null, created_at: clock.now() });
    store.incarnations.end(id, 'finished', clock.now());
    mkdirSync(folderOf(id));
    for (const name of ['in', 'out', 'err']) writeFileSync(join(folderOf(id), name), name);
    return id;
  };
  const folderOf = (incarnation: string): string => join(dir, 'incarnations', incarnation);
  const packedOf = (id: string): string[] => (existsSync(join(dir, 'archive', id)) ? readdirSync(join(dir, 'archive', id)) : []);
  const stateOf = (id: string): string | undefined => store.sessions.byId(id)?.state;
  return { clock, store, context, pool, retention, session, ended, folderOf, packedOf, stateOf };
}

describe('retention', () => {
  it('[RT1] archives what nobody has used for RETENTION_DAYS, failed ones too, and keeps messages and events', async () => {
    const { clock, store, retention, session, ended, folderOf, packedOf, stateOf } = bench();
    const old = session();
    const failed = session({ state: 'failed', failure: '{"code":"x","detail":"y"}' });
    const journals = [ended(old.num), ended(old.num)];
    clock.advance(60 * DAY);
    const used = session();
    clock.advance(31 * DAY);
    expect(await retention.sweep()).toMatchObject({ archived: 2, deleted: 0 });
    expect([old.id, failed.id, used.id].map(stateOf)).toEqual(['archived', 'archived', 'dormant']);
    expect(packedOf(old.id).sort()).toEqual(journals.map((id) => `${id}.tar.gz`).sort());
    expect(journals.map(folderOf).filter((folder) => existsSync(folder))).toEqual([]);
    expect(store.messages.count(old.num)).toBe(1);
    expect(store.events.page(old.num, 0, 10).map(({ kind }) => kind)).toEqual(['session.renamed', 'session.archived']);
    expect(await retention.sweep()).toEqual(nothing);
  });

  it('[RT2] deletes what was archived for as long again, with its files', async () => {
    const { clock, store, retention, session, ended, packedOf, stateOf } = bench();
    const old = session();
    ended(old.num);
    clock.advance(91 * DAY);
    await retention.sweep();
    clock.advance(89 * DAY);
    expect(await retention.sweep()).toMatchObject({ deleted: 0 });
    expect(packedOf(old.id)).toHaveLength(1);
    clock.advance(2 * DAY);
    expect(await retention.sweep()).toMatchObject({ deleted: 1 });
    expect(stateOf(old.id)).toBeUndefined();
    expect(packedOf(old.id)).toEqual([]);
    expect(store.messages.count(old.num)).toBe(0);
  });

  it('[RT3] leaves alone what has a process, a message that waits, or nobody yet', async () => {
    const { clock, store, retention, session, stateOf } = bench();
    const live = session({ state: 'ready' });
    const spare = session({ spare: 1 });
    const waiting = session();
    store.turns.insert(randomUUID(), waiting.num, '{}', 1, clock.now());
    clock.advance(1_000 * DAY);
    expect(await retention.sweep()).toEqual(nothing);
    expect([live.id, spare.id, waiting.id].map(stateOf)).toEqual(['ready', 'dormant', 'dormant']);
  });

  it('[RT4] does at most 50 of each kind in a run, the longest unused first', async () => {
    const { clock, retention, session, stateOf } = bench();
    const sessions = Array.from({ length: 60 }, () => (clock.advance(1), session()));
    clock.advance(91 * DAY);
    expect(await retention.sweep()).toMatchObject({ archived: 50 });
    expect(stateOf(sessions[0]?.id ?? '')).toBe('archived');
    expect(stateOf(sessions[59]?.id ?? '')).toBe('dormant');
    expect(await retention.sweep()).toMatchObject({ archived: 10 });
  });

  it('[RT5] does nothing right after the clock has jumped, and believes it an hour later', async () => {
    const { clock, retention, session } = bench();
    session();
    clock.setWall(clock.now() + 400 * DAY);
    expect(await retention.sweep()).toEqual(nothing);
    clock.advance(HOUR);
    expect(await retention.sweep()).toMatchObject({ archived: 1 });
  });

  it('[RT6] keeps everything with RETENTION_DAYS=0', async () => {
    const { clock, retention, session, stateOf } = bench(0);
    const old = session();
    clock.advance(10_000 * DAY);
    expect(await retention.sweep()).toEqual(nothing);
    expect(stateOf(old.id)).toBe('dormant');
  });

  it('[RT7] packs the journals of processes that ended 7 days ago, but not attachments, which the conversation names by their paths', async () => {
    const { clock, retention, session, ended, folderOf, packedOf, stateOf } = bench();
    const used = session();
    const [old, attached] = [ended(used.num), ended(used.num)];
    mkdirSync(join(folderOf(attached), 'files'));
    clock.advance(6 * DAY);
    const newer = ended(used.num);
    expect(await retention.sweep()).toEqual(nothing);
    clock.advance(1 * DAY);
    expect(await retention.sweep()).toEqual({ ...nothing, journals: 1 });
    expect(packedOf(used.id)).toEqual([`${old}.tar.gz`]);
    expect([old, attached, newer].map((id) => existsSync(folderOf(id)))).toEqual([false, true, true]);
    expect(stateOf(used.id)).toBe('dormant');
  });

  it('[RT7] journals with attachments do not keep it from the others', async () => {
    const { clock, retention, session, ended, folderOf, packedOf } = bench();
    const used = session();
    for (let count = 0; count < 60; count += 1) mkdirSync(join(folderOf(ended(used.num)), 'files'));
    clock.advance(1);
    const plain = ended(used.num);
    clock.advance(8 * DAY);
    await retention.sweep();
    await retention.sweep();
    expect(packedOf(used.id)).toEqual([`${plain}.tar.gz`]);
  });

  it('[RT8] runs once an hour, and no more once it is stopped', async () => {
    const { clock, retention, session, stateOf } = bench();
    const first = session();
    clock.advance(91 * DAY);
    retention.start();
    clock.advance(HOUR - 1);
    expect(stateOf(first.id)).toBe('dormant');
    clock.advance(1);
    await eventually(() => stateOf(first.id) === 'archived');
    await retention.stop();
    const second = session();
    clock.advance(91 * DAY);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stateOf(second.id)).toBe('dormant');
  });
});

describe('the archive at a start', () => {
  it('[AR5] loses what was half packed, and the folders whose journal is packed and noted', () => {
    const { context, pool, session, ended, folderOf } = bench();
    const { num } = session();
    const [noted, other] = [ended(num), ended(num)];
    context.store.incarnations.setArchived(noted, 1);
    const half = join(context.data.dir, 'archive', `${other}.unfinished`);
    writeFileSync(half, 'half');
    new Archive(context, pool).clean();
    expect(existsSync(half)).toBe(false);
    expect([noted, other].map((id) => existsSync(folderOf(id)))).toEqual([false, true]);
  });
});
