import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ExitReason } from '../../contracts/events.ts';
import type { TurnState } from '../../contracts/state.ts';
import { AppError, isDiskFull } from '../../platform/app-error.ts';
import { bootId, isAlive, type ProcessIdentity } from '../../process/identity.ts';
import { readIdentities, readPid, tryClaim } from '../../process/journal-folder.ts';
import { readTable, type ProcessTable } from '../../process/process-table.ts';
import { terminate } from '../../process/terminate.ts';
import type { IncarnationRow } from '../../storage/incarnations-table.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { SessionContext } from '../context.ts';
import { recordExit } from './record-exit.ts';
import { Recording } from '../recording.ts';
import { openTurn, type OpenTurn } from '../turns/open-turn.ts';
import type { InteractiveSessionPool } from '../pool/pool.ts';
import type { Pausable, SessionState } from '../session-state.ts';
import { incarnationFolder } from './start-incarnation.ts';
import { endOrphans, setAsideUnknownFolders } from './strays.ts';

/** How far `seq` jumps after a reboot: events published just before a power cut may be gone from the store. */
const REBOOT_GAP = 1_000;

/** What a start found. */
export interface Recovered {
  adopted: number;
  ended: number;
  orphans: number;
}

/** Brings store and machine together before the server listens: each recorded process is adopted or closed, strays are ended. */
export async function recover(context: SessionContext, pool: InteractiveSessionPool): Promise<Recovered> {
  // The clock's timers keep no process alive, and before it listens nothing else does while this waits for others to end.
  const awake = setInterval(() => undefined, 60_000);
  try {
    return await reconcile(context, pool);
  } finally {
    clearInterval(awake);
  }
}

async function reconcile(context: SessionContext, pool: InteractiveSessionPool): Promise<Recovered> {
  skipAfterReboot(context);
  const result: Recovered = { adopted: 0, ended: 0, orphans: await endOrphans(context) };
  const table = readTable();
  for (const row of context.store.incarnations.unended()) {
    const session = context.store.sessions.byNum(row.session_num);
    if (!session) continue;
    try {
      if (await recoverOne(context, pool, { session, row, table })) result.adopted += 1;
      else result.ended += 1;
    } catch (error) {
      // A full disk is no reason to end an agent: whoever makes room finds it alive.
      if (isDiskFull(error))
        throw new AppError('disk-full', 'The disk of DATA_DIR is full. Make room, then start again.', { cause: error });
      // One journal that can't be read must not keep the others from being served.
      context.logger.error({ error, sessionId: session.id, incarnationId: row.id }, 'a process could not be taken over; it is ended');
      await abandon(context, session, row);
      result.ended += 1;
    }
  }
  setAsideUnknownFolders(context);
  resumeWaiting(context, pool);
  return result;
}

/** Adopts one process or records its end; true when it was adopted. */
async function recoverOne(
  context: SessionContext,
  pool: InteractiveSessionPool,
  { session, row, table }: { session: SessionRow; row: IncarnationRow; table: ProcessTable },
): Promise<boolean> {
  const folder = incarnationFolder(context.data.dir, row.id);
  if (neverStarted(folder)) {
    context.log.transact((append) => {
      context.store.incarnations.end(row.id, 'start-failed', context.clock.now());
      requeueTurnOf(context, row);
      append(session, [{ channel: 'session', kind: 'session.exited', data: { reason: 'start-failed', exitCode: null, signal: null } }]);
      context.store.sessions.update(session.num, { incarnation_id: null, state: 'dormant' });
    });
    return false;
  }
  const driver = context.agents.get(row.agent)?.driver;
  const identities = identitiesOf(context, row, folder);
  const state = driver ? migrated(context, driver, row) : null;
  const agentLives = identities.agent !== null && isAlive(identities.agent);
  const wrapperLives = identities.wrapper !== null && isAlive(identities.wrapper);
  if (!driver) throw new Error(`There is no driver for the agent ${row.agent}.`);
  if (state === null) context.store.incarnations.setEndReason(row.id, 'hibernated');
  const turn = inFlight(context, row);
  const ending = state === null || row.end_reason !== null;
  const sessionState = adoptedState(row, turn, ending, session.state === 'paused');
  const unseen: ProcessIdentity = { pid: 0, startTime: 'unseen', bootId: row.boot_id };
  const loaded = pool.load(session, sessionState);
  // Between two servers only the wall clock went on; one that was set back expires nothing.
  const lastUse = Math.max(session.last_activity_at, context.store.turns.last(session.num)?.ended_at ?? 0);
  loaded.activity.age(Math.max(0, context.clock.now() - lastUse), session.warned_at !== null);
  const incarnation = loaded.adopt(
    {
      id: row.id,
      folder,
      mark: `${context.data.id}/${row.id}`,
      driver,
      wrapper: identities.wrapper,
      agent: identities.agent ?? unseen,
      inSize: row.in_size,
      outOffset: row.out_offset,
      skipping: row.skipping === 1,
      state: state ?? JSON.parse(row.driver_state),
      mode: row.mode,
      model: row.model,
      effort: row.effort,
      clock: context.clock,
    },
    sessionState,
    turn,
  );
  if (!agentLives || !wrapperLives) {
    // Survivors are ended first, then what they wrote is read, then the end is recorded.
    await loaded.concludeLost(readPid(folder, 'agent') === null ? 'start-failed' : 'lost');
    return false;
  }
  const unwritten = context.store.incarnations
    .unwrittenLines(row.id)
    .flatMap((line) => (line.bytes ? [{ ...line, bytes: line.bytes }] : []));
  await incarnation.repair(unwritten);
  loaded.markRepaired(
    unwritten.map((line) => ({ offset: line.offset, bytes: line.bytes, ...(isTurnsLine(turn, line) && turn ? { turnId: turn.id } : {}) })),
  );
  context.log.transact((append) => {
    context.store.sessions.update(session.num, { state: sessionState.kind });
    append(session, [{ channel: 'session', kind: 'session.recovered', data: { pid: incarnation.pid, lost: false } }]);
  });
  // A kill may have come between the record of a pause (or its end) and the signals: they are given again.
  if (sessionState.kind === 'paused') incarnation.pause();
  else incarnation.continueSeen(table);
  if (ending) void loaded.endProcess(state === null || turn === null);
  else loaded.pump();
  return true;
}

/** Ends what cannot be adopted; its turn ends as interrupted. */
async function abandon(context: SessionContext, session: SessionRow, row: IncarnationRow): Promise<void> {
  const folder = incarnationFolder(context.data.dir, row.id);
  const mark = `${context.data.id}/${row.id}`;
  await terminate({ folder, mark, identities: {}, clock: context.clock, graceMs: { eof: 0, term: 1_000 } }, 'kill');
  context.log.transact((append) => {
    const turn = inFlight(context, row);
    const recording = new Recording(context.store, session, { session: { kind: 'ready' }, turn, now: context.clock.now() });
    const ended = { row, exit: null, rest: Buffer.alloc(0), silent: false, inSize: row.in_size, stderr: '', fallback: 'lost' as const };
    recordExit(context, recording, session, ended);
    recording.save(append);
  });
}

/** Nobody has taken the right to start it, and nobody will. */
function neverStarted(folder: string): boolean {
  if (!statSync(folder, { throwIfNoEntry: false })) return true;
  return !statSync(join(folder, 'sh'), { throwIfNoEntry: false }) && tryClaim(folder);
}

function identitiesOf(
  context: SessionContext,
  row: IncarnationRow,
  folder: string,
): { wrapper: ProcessIdentity | null; agent: ProcessIdentity | null } {
  const found = row.boot_id === bootId() ? readIdentities(folder, `${context.data.id}/${row.id}`) : { wrapper: null, agent: null };
  const stored = (text: string | null): ProcessIdentity | null => (text === null ? null : (JSON.parse(text) as ProcessIdentity));
  return { wrapper: stored(row.wrapper) ?? found.wrapper, agent: stored(row.process) ?? found.agent };
}

/** The driver's state brought up to this version; null where that can't be done. */
function migrated(
  context: SessionContext,
  driver: { stateVersion: number; migrate: (old: unknown, version: number) => unknown },
  row: IncarnationRow,
): unknown {
  const old: unknown = JSON.parse(row.driver_state);
  if (driver.stateVersion === row.state_version) return old;
  const state = driver.migrate(old, row.state_version);
  if (state !== null) context.store.incarnations.setVersion(row.id, JSON.stringify(state), driver.stateVersion);
  return state;
}

/** The turn whose message this process got. */
function inFlight(context: SessionContext, row: IncarnationRow): OpenTurn | null {
  const turn = context.store.turns.open(row.session_num).find((open) => open.incarnation_id === row.id);
  return turn ? openTurn(turn) : null;
}

function isTurnsLine(turn: OpenTurn | null, line: { offset: number; length: number }): boolean {
  return turn?.lineEnd === line.offset + line.length;
}

function adoptedState(row: IncarnationRow, turn: OpenTurn | null, ending: boolean, paused: boolean): SessionState {
  if (ending) return { kind: 'stopping', reason: (row.end_reason ?? 'hibernated') as ExitReason };
  if (row.ready_at === null) return { kind: 'starting', turnId: turn?.id ?? null };
  const waits = (turn?.state satisfies TurnState | undefined) === 'waiting';
  const was: Pausable = turn ? { kind: waits ? 'waiting' : 'working', turnId: turn.id } : { kind: 'ready' };
  return paused ? { kind: 'paused', was } : was;
}

function requeueTurnOf(context: SessionContext, row: IncarnationRow): void {
  const turn = inFlight(context, row);
  if (turn) context.store.turns.requeue(turn.id);
}

/** After a reboot a client may have seen events that the store lost: new ones begin behind a hole. */
function skipAfterReboot(context: SessionContext): void {
  const { store, data } = context;
  const before = store.meta.get('boot_id');
  if (before === data.bootId) return;
  store.transaction(() => {
    store.meta.set('boot_id', data.bootId);
    if (before === undefined) return;
    store.events.skip(REBOOT_GAP);
  });
}

/** Messages that were accepted but reached no process yet. */
function resumeWaiting(context: SessionContext, pool: InteractiveSessionPool): void {
  const { store } = context;
  store.sessions.settleStates();
  for (const num of store.turns.openSessions()) {
    const session = store.sessions.byNum(num);
    if (session && !pool.loaded(session.id)?.isLive) pool.load(session).pump();
  }
}
