import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dataId } from '../../server/data-dir.ts';
import { isAlive, type ProcessIdentity } from '../../server/process/identity.ts';
import { tryClaim } from '../../server/process/journal-folder.ts';
import { markedProcesses, members } from '../../server/process/members.ts';
import { terminate } from '../../server/process/terminate.ts';
import { incarnationFolder } from '../../server/sessions/lifecycle/start-incarnation.ts';
import { openDatabase } from '../../server/storage/database.ts';
import type { IncarnationRow } from '../../server/storage/incarnations-table.ts';
import { openStore, type Store } from '../../server/storage/store.ts';

/** How long an agent may take to end, in milliseconds: after end of input (longer where it was idle and may save), and after TERM. */
const IDLE_GRACE = { eof: 5_000, term: 3_000 };
const BUSY_GRACE = { eof: 200, term: 3_000 };

/** One agent that was ended, or could not be. */
export interface EndedAgent {
  agent: string;
  pid: number;
  /** The session's name and folder; null for a process that no row knows. */
  session: { name: string; projectPath: string } | null;
  /** What is still alive of it. */
  left: ProcessIdentity[];
}

export interface EndedAgents {
  agents: EndedAgent[];
  /** Messages that were accepted and reached no agent: the next server hands them on. */
  waitingMessages: number;
  /** Why the reason could not be stored, such as a full disk; the next server then calls these ends `lost`. */
  notStored: string | null;
}

/**
 * Ends every agent of a data folder whose lock the caller holds. The reason is stored before the first signal; the next
 * server reads what the agents still wrote and records their ends. `kill` leaves out the clean end.
 */
export async function endAgents(dataDir: string, mode: 'clean' | 'kill' = 'clean'): Promise<EndedAgents> {
  if (!existsSync(join(dataDir, 'holdfast.db'))) return { agents: [], waitingMessages: 0, notStored: null };
  const db = openDatabase(join(dataDir, 'holdfast.db'));
  try {
    const store = openStore(db);
    const rows = store.incarnations.unended();
    const notStored = storeReasons(store, rows);
    const id = dataId(store);
    const recorded = await Promise.all(rows.map((row) => endRecorded({ dataDir, id, store, mode }, row)));
    const strays = await endStrays(dataDir, id, mode);
    const agents = [...recorded.filter((ended) => ended !== null), ...strays];
    const waitingMessages = store.turns.openSessions().reduce((sum, num) => sum + waiting(store, num), 0);
    return { agents, waitingMessages, notStored };
  } finally {
    db.close();
  }
}

function storeReasons(store: Store, rows: readonly IncarnationRow[]): string | null {
  try {
    store.transaction(() => rows.forEach((row) => store.incarnations.setEndReason(row.id, 'killed-by-user')));
    return null;
  } catch (error) {
    // Whoever wants the agents to end wants it on a full disk too.
    return error instanceof Error ? error.message : String(error);
  }
}

function waiting(store: Store, sessionNum: number): number {
  return store.turns.open(sessionNum).filter((turn) => turn.incarnation_id === null).length;
}

interface Place {
  dataDir: string;
  /** The first half of the marks. */
  id: string;
  store: Store;
  mode: 'clean' | 'kill';
}

/** Ends one recorded process; null where nothing of it was alive. */
async function endRecorded({ dataDir, id, store, mode }: Place, row: IncarnationRow): Promise<EndedAgent | null> {
  const folder = incarnationFolder(dataDir, row.id);
  const mark = `${id}/${row.id}`;
  const stored = (text: string | null): ProcessIdentity | null => (text === null ? null : (JSON.parse(text) as ProcessIdentity));
  const identities = { wrapper: stored(row.wrapper), agent: stored(row.process) };
  // A wrapper that was only just spawned finds its journal taken and starts nothing.
  if (existsSync(folder) && !existsSync(join(folder, 'sh'))) tryClaim(folder);
  const living = members({ groupId: identities.wrapper?.pid ?? null, mark, ...identities });
  if (living.length === 0) return null;
  const session = store.sessions.byNum(row.session_num);
  const graceMs = session?.state === 'ready' ? IDLE_GRACE : BUSY_GRACE;
  const left = await keepAlive(terminate({ folder, mark, identities, graceMs }, mode));
  const pid = identities.agent && holds(living, identities.agent) ? identities.agent.pid : (living[0]?.pid ?? 0);
  return { agent: row.agent, pid, session: session ? { name: session.name, projectPath: session.project_path } : null, left };
}

function holds(living: readonly ProcessIdentity[], agent: ProcessIdentity): boolean {
  return living.some(({ pid, startTime }) => pid === agent.pid && startTime === agent.startTime);
}

/** Ends processes with the mark of this data folder that no open row knows. */
async function endStrays(dataDir: string, id: string, mode: 'clean' | 'kill'): Promise<EndedAgent[]> {
  const found = markedProcesses(id);
  const marks = [...new Set(found.map(({ mark }) => mark))];
  return Promise.all(
    marks.map(async (mark): Promise<EndedAgent> => {
      const folder = incarnationFolder(dataDir, mark.slice(mark.indexOf('/') + 1));
      const left = await keepAlive(terminate({ folder, mark, identities: {}, graceMs: BUSY_GRACE }, mode));
      return { agent: 'stray', pid: found.find((one) => one.mark === mark)?.identity.pid ?? 0, session: null, left: left.filter(isAlive) };
    }),
  );
}

/** The system's clock does not keep a process alive, and here nothing else does. */
async function keepAlive<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 60_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

/** Whether a folder looks like one that a server has used. */
export function isDataDir(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && readdirSync(path).some((name) => name === 'lock.db' || name === 'holdfast.db');
}
