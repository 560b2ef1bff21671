import type { Database } from './database.ts';

/** A process of a session as stored. `wrapper` and `process` are JSON of a ProcessIdentity, `driver_state` is the driver's own JSON. */
export interface IncarnationRow {
  id: string;
  session_num: number;
  agent: string;
  resumed: number;
  boot_id: string;
  wrapper: string | null;
  process: string | null;
  out_offset: number;
  skipping: number;
  in_size: number;
  driver_state: string;
  state_version: number;
  /** Mode, model and effort that the agent was last told. */
  mode: string;
  model: string | null;
  effort: string | null;
  end_reason: string | null;
  created_at: number;
  ready_at: number | null;
  ended_at: number | null;
  /** Its journal is in the archive; what is left of its folder can go. */
  archived_at: number | null;
}

/** One line for an agent, with its LF, that is not known to stand in the file `in` yet. (Earlier versions left rows without bytes.) */
export interface InLineRow {
  offset: number;
  length: number;
  bytes: Buffer | null;
}

/** One whose journal can go into the archive. */
export interface Archivable {
  id: string;
  session_id: string;
  ended_at: number;
}

/** Statements of the tables `incarnations` and `in_lines`. */
export function incarnationsTable(db: Database) {
  const insert = db.prepare<
    [
      Omit<
        IncarnationRow,
        'wrapper' | 'process' | 'out_offset' | 'skipping' | 'in_size' | 'end_reason' | 'ready_at' | 'ended_at' | 'archived_at' | 'effort'
      > & { effort?: string | null },
    ]
  >(`
    INSERT INTO incarnations (id, session_num, agent, resumed, boot_id, driver_state, state_version, mode, model, effort, created_at)
    VALUES (@id, @session_num, @agent, @resumed, @boot_id, @driver_state, @state_version, @mode, @model, @effort, @created_at)`);
  const byId = db.prepare<[string], IncarnationRow>('SELECT * FROM incarnations WHERE id = ?');
  const lastReady = db.prepare<[string], Pick<IncarnationRow, 'driver_state' | 'state_version'>>(
    'SELECT driver_state, state_version FROM incarnations WHERE agent = ? AND ready_at IS NOT NULL ORDER BY created_at DESC LIMIT 1',
  );
  const unended = db.prepare<[], IncarnationRow>('SELECT * FROM incarnations WHERE ended_at IS NULL');
  const ids = db.prepare<[], { id: string }>('SELECT id FROM incarnations');
  const ofSession = db.prepare<[number], { id: string }>('SELECT id FROM incarnations WHERE session_num = ? ORDER BY created_at DESC');
  const toArchive = db.prepare<[number, number, string, number], Archivable>(`
    SELECT i.id, i.ended_at, s.id AS session_id FROM incarnations i JOIN sessions s ON s.num = i.session_num
    WHERE i.ended_at <= ? AND i.archived_at IS NULL AND (i.ended_at, i.id) > (?, ?) ORDER BY i.ended_at, i.id LIMIT ?`);
  const setArchived = db.prepare<[number, string]>('UPDATE incarnations SET archived_at = ? WHERE id = ?');
  const setIdentity = db.prepare<[string | null, string, string]>('UPDATE incarnations SET wrapper = ?, process = ? WHERE id = ?');
  const setOut = db.prepare<[number, number, string]>('UPDATE incarnations SET out_offset = ?, skipping = ? WHERE id = ?');
  const setState = db.prepare<[string, string]>('UPDATE incarnations SET driver_state = ? WHERE id = ?');
  const setVersion = db.prepare<[string, number, string]>('UPDATE incarnations SET driver_state = ?, state_version = ? WHERE id = ?');
  const setManner = db.prepare<[string, string | null, string | null, string]>(
    'UPDATE incarnations SET mode = ?, model = ?, effort = ? WHERE id = ?',
  );
  const setInSize = db.prepare<[number, string]>('UPDATE incarnations SET in_size = ? WHERE id = ?');
  const setReady = db.prepare<[number, string]>('UPDATE incarnations SET ready_at = ? WHERE id = ?');
  const setEndReason = db.prepare<[string, string]>('UPDATE incarnations SET end_reason = ? WHERE id = ? AND end_reason IS NULL');
  const end = db.prepare<[string, number, string]>('UPDATE incarnations SET end_reason = ?, ended_at = ? WHERE id = ?');
  const insertLine = db.prepare<[string, number, number, Buffer]>(
    'INSERT INTO in_lines (incarnation_id, offset, length, bytes) VALUES (?, ?, ?, ?)',
  );
  const clearLine = db.prepare<[string, number]>('DELETE FROM in_lines WHERE incarnation_id = ? AND offset = ?');
  const unwritten = db.prepare<[string], InLineRow>(
    'SELECT offset, length, bytes FROM in_lines WHERE incarnation_id = ? AND bytes IS NOT NULL ORDER BY offset',
  );
  const dropLines = db.prepare<[string]>('DELETE FROM in_lines WHERE incarnation_id = ?');
  return {
    insert: (row: Parameters<typeof insert.run>[0]): void => void insert.run({ effort: null, ...row }),
    byId: (id: string): IncarnationRow | undefined => byId.get(id),
    /** The newest process of an agent that has taken messages. */
    lastReady: (agent: string): Pick<IncarnationRow, 'driver_state' | 'state_version'> | undefined => lastReady.get(agent),
    unended: (): IncarnationRow[] => unended.all(),
    ids: (): string[] => ids.all().map((row) => row.id),
    ofSession: (num: number): string[] => ofSession.all(num).map((row) => row.id),
    /** Those that ended before then and whose journal is not in the archive, the oldest first, behind `after`. */
    toArchive: (endedBefore: number, after: Pick<Archivable, 'ended_at' | 'id'> | null, limit: number): Archivable[] =>
      toArchive.all(endedBefore, after?.ended_at ?? 0, after?.id ?? '', limit),
    setArchived: (id: string, at: number): void => void setArchived.run(at, id),
    setIdentity: (id: string, wrapper: string | null, process: string): void => void setIdentity.run(wrapper, process, id),
    setOut: (id: string, offset: number, skipping: boolean): void => void setOut.run(offset, Number(skipping), id),
    setState: (id: string, state: string): void => void setState.run(state, id),
    setVersion: (id: string, state: string, version: number): void => void setVersion.run(state, version, id),
    setManner: (id: string, { mode, model, effort }: Pick<IncarnationRow, 'mode' | 'model' | 'effort'>): void =>
      void setManner.run(mode, model, effort, id),
    setReady: (id: string, at: number): void => void setReady.run(at, id),
    /** Keeps the first reason: the first cause wins. */
    setEndReason: (id: string, reason: string): void => void setEndReason.run(reason, id),
    end: (id: string, reason: string, at: number): void => {
      end.run(reason, at, id);
      dropLines.run(id);
    },
    /** Records lines at the end of `in`, in order; returns the new size. */
    appendLines: (id: string, from: number, lines: Buffer[]): number => {
      let offset = from;
      for (const bytes of lines) {
        insertLine.run(id, offset, bytes.length, bytes);
        offset += bytes.length;
      }
      setInSize.run(offset, id);
      return offset;
    },
    /** The line stands in `in`: a terminal would leave a row for each key. */
    clearLine: (id: string, offset: number): void => void clearLine.run(id, offset),
    unwrittenLines: (id: string): InLineRow[] => unwritten.all(id),
  };
}
