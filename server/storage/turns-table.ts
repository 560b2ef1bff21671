import type { Database } from './database.ts';

/** A turn as stored. `input` is JSON {text, attachments} until the turn ends; `outcome` JSON of how it ended,
 * or, while its agent is asked to give it up for a reason of ours, of the failure that this will be. */
export interface TurnRow {
  ord: number;
  id: string;
  session_num: number;
  state: string;
  input: string | null;
  incarnation_id: string | null;
  agent_message_id: string | null;
  in_offset: number | null;
  in_length: number | null;
  attempts: number;
  first_seq: number;
  last_seq: number | null;
  accepted_at: number;
  written_at: number | null;
  first_token_at: number | null;
  ended_at: number | null;
  outcome: string | null;
  compacted: number;
}

const slim = `ord, id, session_num, state, NULL AS input, incarnation_id, agent_message_id, in_offset, in_length, attempts,
  first_seq, last_seq, accepted_at, written_at, first_token_at, ended_at, outcome, compacted`;

/** Statements of the table `turns`. Rows come without their `input`, which may be megabytes; `inputOf` reads it. */
export function turnsTable(db: Database) {
  const insert = db.prepare<[string, number, string, number, number]>(
    `INSERT INTO turns (id, session_num, state, input, first_seq, accepted_at) VALUES (?, ?, 'accepted', ?, ?, ?)`,
  );
  const byId = db.prepare<[string], TurnRow>(`SELECT ${slim} FROM turns WHERE id = ?`);
  const inputOf = db.prepare<[string], { input: string | null }>('SELECT input FROM turns WHERE id = ?');
  // Named indexes: left to itself, SQLite takes that of all turns and reads the whole history of the session each time.
  const open = db.prepare<[number], TurnRow>(
    `SELECT ${slim} FROM turns INDEXED BY turns_open WHERE session_num = ? AND ended_at IS NULL ORDER BY ord`,
  );
  const waiting = db.prepare<[], { session_num: number }>('SELECT DISTINCT session_num FROM turns WHERE ended_at IS NULL');
  const openAt = db.prepare<[number, number, number], { seq: number | null }>(
    'SELECT min(first_seq) AS seq FROM turns WHERE session_num = ? AND first_seq <= ? AND (last_seq IS NULL OR last_seq > ?)',
  );
  const last = db.prepare<[number], TurnRow>(`SELECT ${slim} FROM turns WHERE session_num = ? ORDER BY ord DESC LIMIT 1`);
  const count = db.prepare<[number], { n: number }>(
    'SELECT count(*) AS n FROM turns INDEXED BY turns_open WHERE session_num = ? AND ended_at IS NULL',
  );
  const openTotal = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM turns WHERE ended_at IS NULL');
  const dispatch = db.prepare<[string, string, number, number, string]>(
    'UPDATE turns SET incarnation_id = ?, agent_message_id = ?, in_offset = ?, in_length = ?, attempts = attempts + 1 WHERE id = ?',
  );
  const requeue = db.prepare<[string]>(
    `UPDATE turns SET state = 'accepted', incarnation_id = NULL, in_offset = NULL, written_at = NULL WHERE id = ?`,
  );
  const setState = db.prepare<[string, string]>('UPDATE turns SET state = ? WHERE id = ?');
  const setOutcome = db.prepare<[string, string]>('UPDATE turns SET outcome = ? WHERE id = ?');
  const setAutoResponse = db.prepare<[string, string]>('UPDATE turns SET auto_response = ? WHERE id = ?');
  const setWritten = db.prepare<[number, string]>('UPDATE turns SET written_at = ? WHERE id = ?');
  const setFirstToken = db.prepare<[number, string]>('UPDATE turns SET first_token_at = ? WHERE id = ?');
  const end = db.prepare<[string, string, number, number, string]>(
    'UPDATE turns SET state = ?, outcome = ?, last_seq = ?, ended_at = ?, input = NULL WHERE id = ?',
  );
  const toCompact = db.prepare<[number, number], TurnRow>(
    `SELECT ${slim} FROM turns WHERE ended_at IS NOT NULL AND compacted = 0 AND ended_at <= ? LIMIT ?`,
  );
  const setCompacted = db.prepare<[number]>('UPDATE turns SET compacted = 1 WHERE ord = ?');
  return {
    insert: (id: string, sessionNum: number, input: string, firstSeq: number, at: number): void =>
      void insert.run(id, sessionNum, input, firstSeq, at),
    byId: (id: string): TurnRow | undefined => byId.get(id),
    inputOf: (id: string): string | null => inputOf.get(id)?.input ?? null,
    /** Unfinished turns of a session, oldest first. */
    open: (sessionNum: number): TurnRow[] => open.all(sessionNum),
    /** Where the oldest turn began that had not ended at this seq; null when there was none. */
    firstOpenAt: (sessionNum: number, seq: number): number | null => openAt.get(sessionNum, seq, seq)?.seq ?? null,
    openCount: (sessionNum: number): number => count.get(sessionNum)?.n ?? 0,
    /** Unfinished turns of all sessions. */
    openTotal: (): number => openTotal.get()?.n ?? 0,
    /** Sessions that have an unfinished turn. */
    openSessions: (): number[] => waiting.all().map((row) => row.session_num),
    last: (sessionNum: number): TurnRow | undefined => last.get(sessionNum),
    dispatch: (id: string, incarnationId: string, agentMessageId: string, offset: number, length: number): void =>
      void dispatch.run(incarnationId, agentMessageId, offset, length, id),
    requeue: (id: string): void => void requeue.run(id),
    setState: (id: string, state: string): void => void setState.run(state, id),
    /** Says how a turn will have failed once its agent has given it up. */
    setOutcome: (id: string, outcome: string): void => void setOutcome.run(outcome, id),
    /** Keeps what the published app said about automatic replies, as JSON. */
    setAutoResponse: (id: string, json: string): void => void setAutoResponse.run(json, id),
    setWritten: (id: string, at: number): void => void setWritten.run(at, id),
    setFirstToken: (id: string, at: number): void => void setFirstToken.run(at, id),
    end: (id: string, state: string, outcome: string, lastSeq: number, at: number): void => void end.run(state, outcome, lastSeq, at, id),
    toCompact: (endedBefore: number, limit: number): TurnRow[] => toCompact.all(endedBefore, limit),
    setCompacted: (ord: number): void => void setCompacted.run(ord),
  };
}
