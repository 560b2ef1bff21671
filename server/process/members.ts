import type { ProcessIdentity } from './identity.ts';
import { bootId } from './identity.ts';
import type { MarkedRow, ProcessTable } from './process-table.ts';
import { readTable } from './process-table.ts';

export interface MembersQuery {
  /** The process group of the incarnation, which is its wrapper's pid. */
  groupId: number | null;
  agent: ProcessIdentity | null;
  /** The incarnation's HOLDFAST_INCARNATION: `<data id>/<incarnation id>`. */
  mark: string;
  wrapper?: ProcessIdentity | null;
  /** Further processes known to belong to it, such as the members of an earlier look. */
  known?: readonly ProcessIdentity[];
}

/**
 * The live processes of an incarnation: those that carry its mark, its process group, and all that descends from any of
 * them. Zombies and this process are left out, and so is whatever runs under this process alone.
 *
 * Group ids and pids are reused: a group counts only while one of its processes is proven to be ours (by identity or mark).
 */
export function members(query: MembersQuery, table: ProcessTable = readTable()): ProcessIdentity[] {
  return memberRows(query, table).map(identityOf);
}

/**
 * The members that may be signalled while the wrapper is to tell the exit: neither it nor what it runs beside agent and
 * `tail`, such as the `mv` that is just telling.
 */
export function membersButWrapper(
  query: MembersQuery & { tail?: ProcessIdentity | null },
  table: ProcessTable = readTable(),
): ProcessIdentity[] {
  const { wrapper, agent, tail } = query;
  const rows = memberRows(query, table);
  if (!wrapper || !rows.some((row) => row.pid === wrapper.pid && row.startTime === wrapper.startTime)) return rows.map(identityOf);
  const spared = (row: MarkedRow): boolean =>
    row.pid === wrapper.pid || (row.parent === wrapper.pid && row.pid !== agent?.pid && row.pid !== tail?.pid);
  return rows.filter((row) => !spared(row)).map(identityOf);
}

function identityOf(row: MarkedRow): ProcessIdentity {
  return { pid: row.pid, startTime: row.startTime, bootId: bootId() };
}

function memberRows(query: MembersQuery, table: ProcessTable): MarkedRow[] {
  const own = new Map<number, MarkedRow>();
  const add = (row: MarkedRow): void => {
    if (row.pid !== process.pid && row.pid > 1 && !isAnothers(row, query.mark)) own.set(row.pid, row);
  };
  for (const identity of [query.agent, query.wrapper, ...(query.known ?? [])]) {
    const row = identity && identity.bootId === bootId() ? table.get(identity.pid) : undefined;
    if (row && row.startTime === identity?.startTime) add(row);
  }
  const { byMark, byGroup, byParent } = indexOf(table);
  for (const row of byMark.get(query.mark) ?? []) add(row);
  if (query.groupId !== null && [...own.values()].some((row) => row.group === query.groupId)) {
    for (const row of byGroup.get(query.groupId) ?? []) add(row);
  }
  // A Map that grows while it is walked is walked to its new end.
  for (const pid of own.keys()) for (const child of byParent.get(pid) ?? []) add(child);
  return [...own.values()].filter((row) => !row.zombie);
}

interface TableIndex {
  byMark: Map<string | null, MarkedRow[]>;
  byGroup: Map<number, MarkedRow[]>;
  byParent: Map<number, MarkedRow[]>;
}

/** Made once for each table, which a health check asks about every session. */
const indexes = new WeakMap<ProcessTable, TableIndex>();

function indexOf(table: ProcessTable): TableIndex {
  const known = indexes.get(table);
  if (known) return known;
  const rows = [...table.values()];
  const made = {
    byMark: Map.groupBy(rows, (row) => row.mark),
    byGroup: Map.groupBy(rows, (row) => row.group),
    byParent: Map.groupBy(rows, (row) => row.parent),
  };
  indexes.set(table, made);
  return made;
}

// A server that was started by one of its own agents must not take the other agents with it.
function isAnothers(row: MarkedRow, mark: string): boolean {
  return row.mark !== null && row.mark !== mark && dataIdOf(row.mark) === dataIdOf(mark);
}

function dataIdOf(mark: string): string {
  return mark.slice(0, mark.indexOf('/') + 1);
}

export interface MarkedProcess {
  mark: string;
  identity: ProcessIdentity;
}

/** All live processes with a mark of this data folder, for the sweep at boot. Empty where environments cannot be read (not Linux). */
export function markedProcesses(dataId: string, table: ProcessTable = readTable()): MarkedProcess[] {
  return [...table.values()].flatMap((row) =>
    row.mark?.startsWith(`${dataId}/`) && !row.zombie && row.pid !== process.pid ? { mark: row.mark, identity: identityOf(row) } : [],
  );
}
