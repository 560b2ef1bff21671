import type { ActiveSession, ActiveView } from '../contracts/views.ts';
import { isoTime } from '../platform/clock.ts';
import { members } from '../process/members.ts';
import { readTable } from '../process/process-table.ts';
import { treeUsage, type TreeUsage } from '../process/usage.ts';
import type { Store } from '../storage/store.ts';
import type { InteractiveSessionPool } from './pool/pool.ts';
import type { SessionQueries } from './queries.ts';
import type { Session } from './session.ts';

/** Live sessions with the monitor's figures, measured now where it has none, and how much room there is; spares count, but are nobody's session yet. Memory is of whole process trees, in MiB. */
export async function activeView(
  parts: {
    store: Store;
    pool: InteractiveSessionPool;
    queries: SessionQueries;
    memoryLimitMb: number;
    measured: ReadonlyMap<string, TreeUsage>;
  },
  owner: string,
): Promise<ActiveView> {
  const { store, pool, queries } = parts;
  let table: ReturnType<typeof readTable> | undefined;
  const all = await Promise.all(
    pool.live.map(async (session): Promise<{ owner: string | null; view: ActiveSession } | null> => {
      const row = store.sessions.byId(session.id);
      if (!row) return null;
      // CPU is counted since the last look: looks of our own would spoil the monitor's.
      const usage = parts.measured.get(row.id) ?? (await usageOf(session, (table ??= readTable())));
      const incarnation = row.incarnation_id === null ? undefined : store.incarnations.byId(row.incarnation_id);
      const view = {
        sessionId: row.id,
        name: row.name,
        agent: row.agent,
        projectPath: row.project_path,
        state: session.state.kind,
        pid: session.incarnation?.pid ?? null,
        startedAt: isoTime(incarnation?.created_at ?? row.last_activity_at),
        lastActivityAt: isoTime(row.last_activity_at),
        expiresAt: queries.expiresAt(row),
        messageCount: store.messages.count(row.num),
        memoryMb: Math.round(usage.memoryMb * 10) / 10,
        cpuPercent: Math.round(usage.cpuPercent * 10) / 10,
      };
      return { owner: row.spare === 1 ? null : row.owner, view };
    }),
  );
  const measured = all.filter((item) => item !== null);
  const usedMb = measured.reduce((sum, { view }) => sum + view.memoryMb, 0);
  const live = pool.live.length;
  return {
    sessions: measured.filter((item) => item.owner === owner).map(({ view }) => view),
    pool: {
      live,
      max: pool.max,
      effectiveMax: pool.effectiveMax,
      limitReason: pool.limitReason,
      available: Math.max(0, pool.effectiveMax - live),
      waiting: pool.waiting,
    },
    memory: { usedMb: Math.round(usedMb * 10) / 10, limitMb: parts.memoryLimitMb },
  };
}

async function usageOf(session: Session, table: ReturnType<typeof readTable>): Promise<TreeUsage> {
  const { incarnation } = session;
  if (!incarnation) return { memoryMb: 0, cpuPercent: 0 };
  const { wrapper, agent, mark } = incarnation;
  return treeUsage(members({ groupId: wrapper?.pid ?? null, agent, wrapper, mark }, table));
}
