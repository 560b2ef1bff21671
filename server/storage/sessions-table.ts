import type { Database } from './database.ts';
import { updateColumns } from './update-columns.ts';

/** A session as stored. Times are milliseconds since 1970; `labels`, `failure`, `last_exit` and `usage` are JSON. */
export interface SessionRow {
  num: number;
  id: string;
  owner: string;
  name: string;
  agent: string;
  project_path: string;
  mode: string;
  model: string | null;
  labels: string;
  state: string;
  failure: string | null;
  head_seq: number;
  kept_from: number;
  agent_session_id: string | null;
  resumable: number;
  incarnation_id: string | null;
  last_exit: string | null;
  usage: string | null;
  cost_usd: number | null;
  created_at: number;
  last_activity_at: number;
  warned_at: number | null;
  archived_at: number | null;
  /** Id of the session that it is a copy of. */
  forked_from: string | null;
  /** The agent's own id of the conversation to copy at the first start; null once it has its own. */
  fork_of: string | null;
  /** How hard its model is to think, as its agent calls it. */
  effort: string | null;
  /** 1: its process was started ahead, and nobody has begun the conversation. */
  spare: number;
  /** JSON of what runs in it and its size; null for what is no terminal. */
  terminal: string | null;
}

export type NewSession = Pick<SessionRow, 'id' | 'owner' | 'name' | 'agent' | 'project_path' | 'mode' | 'model' | 'labels' | 'created_at'> &
  Partial<Pick<SessionRow, 'effort' | 'terminal'>>;
export type SessionChange = Partial<Omit<SessionRow, 'num' | 'id' | 'owner' | 'agent' | 'created_at' | 'head_seq'>>;
/** What a spare is started for. */
export interface SpareFilter {
  owner: string;
  project_path: string;
  agent: string;
  mode: string;
  model: string | null;
  effort: string | null;
}
export interface SessionFilter {
  owner: string;
  states: string[] | null;
  agent: string | null;
  project: string | null;
  label: string | null;
  text: string | null;
  before: { activity: number; num: number } | null;
  limit: number;
}

/** What the conversations with one agent have used. */
export interface AgentTotals {
  agent: string;
  sessions: number;
  usage: { inputTokens: number; outputTokens: number; cacheReadTokens: number; cacheWriteTokens: number };
  costUsd: number | null;
}

/** Statements of the table `sessions`. */
export function sessionsTable(db: Database) {
  const insert = db.prepare<[NewSession]>(`
    INSERT INTO sessions (id, owner, name, agent, project_path, mode, model, effort, labels, terminal, state, created_at, last_activity_at)
    VALUES (@id, @owner, @name, @agent, @project_path, @mode, @model, @effort, @labels, @terminal, 'dormant', @created_at, @created_at)`);
  const byId = db.prepare<[string], SessionRow>('SELECT * FROM sessions WHERE id = ?');
  const byNum = db.prepare<[number], SessionRow>('SELECT * FROM sessions WHERE num = ?');
  const current = db.prepare<[string, string, string | null, string | null], SessionRow>(`
    SELECT * FROM sessions WHERE owner = ? AND project_path = ? AND (? IS NULL OR agent = ?) AND terminal IS NULL AND spare = 0 AND state <> 'archived' ORDER BY last_activity_at DESC, num DESC LIMIT 1`);
  const terminal = db.prepare<[string, string, string], SessionRow>(`
    SELECT * FROM sessions WHERE owner = ? AND project_path = ? AND name = ? AND terminal IS NOT NULL AND state <> 'archived'`);
  const remove = db.prepare<[number]>('DELETE FROM sessions WHERE num = ?');
  const settle = db.prepare(
    `UPDATE sessions SET state = 'dormant' WHERE incarnation_id IS NULL AND state NOT IN ('dormant', 'failed', 'archived')`,
  );
  const spares = db.prepare<[SpareFilter], SessionRow>(`
    SELECT * FROM sessions WHERE spare = 1 AND owner = @owner AND project_path = @project_path AND agent = @agent AND mode = @mode AND model IS @model AND effort IS @effort`);
  const allSpares = db.prepare<[], SessionRow>('SELECT * FROM sessions WHERE spare = 1');
  const recent = db.prepare<[number, number], SpareFilter>(`
    SELECT owner, project_path, agent, mode, model, effort FROM sessions WHERE spare = 0 AND terminal IS NULL AND state <> 'archived' AND last_activity_at >= ?
    GROUP BY owner, project_path ORDER BY max(last_activity_at) DESC LIMIT ?`);
  const counts = db.prepare<[], { state: string; n: number }>('SELECT state, count(*) AS n FROM sessions WHERE spare = 0 GROUP BY state');
  const unused = db.prepare<[number, number], SessionRow>(`
    SELECT * FROM sessions WHERE state IN ('dormant', 'failed') AND spare = 0 AND last_activity_at <= ?
      AND NOT EXISTS (SELECT 1 FROM turns WHERE session_num = sessions.num AND ended_at IS NULL)
    ORDER BY last_activity_at LIMIT ?`);
  const archived = db.prepare<[number, number], SessionRow>(
    `SELECT * FROM sessions WHERE state = 'archived' AND archived_at <= ? ORDER BY archived_at LIMIT ?`,
  );
  const list = db.prepare<[Record<string, unknown>], SessionRow>(`
    SELECT * FROM sessions WHERE owner = @owner AND spare = 0
      AND (@states IS NULL OR state IN (SELECT value FROM json_each(@states)))
      AND (@agent IS NULL OR agent = @agent)
      AND (@project IS NULL OR project_path = @project)
      AND (@label IS NULL OR EXISTS (SELECT 1 FROM json_each(labels) WHERE value = @label))
      AND (@text IS NULL OR instr(lower(name), lower(@text)) > 0 OR EXISTS (
        SELECT 1 FROM messages m WHERE m.session_num = sessions.num AND instr(lower(m.text), lower(@text)) > 0))
      AND (@activity IS NULL OR (last_activity_at, num) < (@activity, @num))
    ORDER BY last_activity_at DESC, num DESC LIMIT @limit`);
  const totals = db.prepare<[string], { agent: string; sessions: number; costUsd: number | null } & AgentTotals['usage']>(`
    SELECT agent, count(*) AS sessions, sum(cost_usd) AS costUsd,
      coalesce(sum(usage ->> 'inputTokens'), 0) AS inputTokens, coalesce(sum(usage ->> 'outputTokens'), 0) AS outputTokens,
      coalesce(sum(usage ->> 'cacheReadTokens'), 0) AS cacheReadTokens, coalesce(sum(usage ->> 'cacheWriteTokens'), 0) AS cacheWriteTokens
    FROM sessions WHERE owner = ? AND spare = 0 GROUP BY agent`);
  return {
    insert: (row: NewSession): SessionRow => {
      const { lastInsertRowid } = insert.run({ effort: null, terminal: null, ...row });
      return byNum.get(Number(lastInsertRowid)) as SessionRow;
    },
    byId: (id: string): SessionRow | undefined => byId.get(id),
    byNum: (num: number): SessionRow | undefined => byNum.get(num),
    /** The conversation that a message without a session id continues. */
    current: (owner: string, projectPath: string, agent: string | null): SessionRow | undefined =>
      current.get(owner, projectPath, agent, agent),
    /** A project's terminal of this name. */
    terminal: (owner: string, projectPath: string, name: string): SessionRow | undefined => terminal.get(owner, projectPath, name),
    /** Sessions without a process that a killed server left in the state of one that has a process. */
    settleStates: (): void => void settle.run(),
    /** Processes started ahead for exactly such a conversation. */
    spares: (filter: SpareFilter): SessionRow[] => spares.all(filter),
    allSpares: (): SessionRow[] => allSpares.all(),
    /** Projects used since then, the latest first, with the manner of their last use. */
    recentProjects: (since: number, limit: number): SpareFilter[] => recent.all(since, limit),
    /** How many sessions are in each state that any is in. */
    countByState: (): Map<string, number> => new Map(counts.all().map(({ state, n }) => [state, n])),
    /** Conversations without a process that nobody has used since then, the longest unused first. */
    unusedSince: (time: number, limit: number): SessionRow[] => unused.all(time, limit),
    /** Conversations archived before then, the oldest first. */
    archivedBefore: (time: number, limit: number): SessionRow[] => archived.all(time, limit),
    /** What an owner's conversations have used, by agent; those that were deleted are gone from it. */
    totals: (owner: string): AgentTotals[] =>
      totals.all(owner).map(({ agent, sessions, costUsd, ...usage }) => ({ agent, sessions, usage, costUsd })),
    remove: (num: number): void => void remove.run(num),
    list: (filter: SessionFilter): SessionRow[] =>
      list.all({
        ...filter,
        states: filter.states === null ? null : JSON.stringify(filter.states),
        activity: filter.before?.activity ?? null,
        num: filter.before?.num ?? null,
        before: null,
      }),
    /** Sets the given columns and no others. */
    update: updateColumns<SessionChange>(db, 'sessions'),
  };
}
