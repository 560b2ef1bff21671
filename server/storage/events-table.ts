import type { Database } from './database.ts';

/** An event as stored; `data` is JSON. */
export interface EventRow {
  seq: number;
  at: number;
  kind: string;
  turn_id: string | null;
  data: string;
}

/** Statements of the tables `events` and `holes`, and of the head kept in `sessions`. */
export function eventsTable(db: Database) {
  const insert = db.prepare<[number, number, number, string, string | null, string]>(
    'INSERT INTO events (session_num, seq, at, kind, turn_id, data) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const head = db.prepare<[number], { head_seq: number; kept_from: number }>('SELECT head_seq, kept_from FROM sessions WHERE num = ?');
  const setHead = db.prepare<[number, number]>('UPDATE sessions SET head_seq = ? WHERE num = ?');
  const page = db.prepare<[number, number, number], EventRow>(
    'SELECT seq, at, kind, turn_id, data FROM events WHERE session_num = ? AND seq > ? ORDER BY seq LIMIT ?',
  );
  const deltas = db.prepare<[number, number, number, string], EventRow>(
    `SELECT seq, at, kind, turn_id, data FROM events WHERE session_num = ? AND seq BETWEEN ? AND ? AND turn_id = ? AND kind IN ('text', 'thinking', 'message') ORDER BY seq`,
  );
  const tools = db.prepare<[number, number, string], EventRow>(
    `SELECT seq, at, kind, turn_id, data FROM events WHERE session_num = ? AND seq >= ? AND turn_id = ? AND kind IN ('tool.started', 'tool.finished') ORDER BY seq`,
  );
  const ofKinds = db.prepare<[number, number, number, string], EventRow>(
    'SELECT seq, at, kind, turn_id, data FROM events WHERE session_num = ? AND seq > ? AND seq <= ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY seq',
  );
  const remove = db.prepare<[number, number]>('DELETE FROM events WHERE session_num = ? AND seq = ?');
  const sizes = db.prepare<[number], { seq: number; size: number }>(
    'SELECT seq, octet_length(data) AS size FROM events WHERE session_num = ? ORDER BY seq DESC',
  );
  const removeBefore = db.prepare<[number, number]>('DELETE FROM events WHERE session_num = ? AND seq < ?');
  const setKeptFrom = db.prepare<[number, number]>('UPDATE sessions SET kept_from = ? WHERE num = ?');
  const hole = db.prepare<[number, number], { first_seq: number; last_seq: number }>(
    'SELECT first_seq, last_seq FROM holes WHERE session_num = ? AND ? BETWEEN first_seq AND last_seq',
  );
  const skipHoles = db.prepare<[number]>(
    'INSERT INTO holes (session_num, first_seq, last_seq) SELECT num, head_seq + 1, head_seq + ? FROM sessions',
  );
  const skipHeads = db.prepare<[number]>('UPDATE sessions SET head_seq = head_seq + ?');
  return {
    insert: (sessionNum: number, seq: number, at: number, kind: string, turnId: string | null, data: string): void =>
      void insert.run(sessionNum, seq, at, kind, turnId, data),
    /** The newest seq, and the oldest that is kept. */
    head: (sessionNum: number) => head.get(sessionNum),
    setHead: (sessionNum: number, seq: number): void => void setHead.run(seq, sessionNum),
    page: (sessionNum: number, after: number, limit: number): EventRow[] => page.all(sessionNum, after, limit),
    /** Like `page`, row by row, so that a reader can stop when it has enough. */
    rows: (sessionNum: number, after: number, limit: number): IterableIterator<EventRow> => page.iterate(sessionNum, after, limit),
    /** Events after one seq, up to another, of the kinds in a JSON list; row by row. */
    ofKinds: (sessionNum: number, after: number, upTo: number, kinds: string): IterableIterator<EventRow> =>
      ofKinds.iterate(sessionNum, after, upTo, kinds),
    /** Text, thinking and whole messages of a turn. */
    textOf: (sessionNum: number, firstSeq: number, lastSeq: number, turnId: string): EventRow[] =>
      deltas.all(sessionNum, firstSeq, lastSeq, turnId),
    /** Starts and ends of a turn's tools. */
    toolsOf: (sessionNum: number, firstSeq: number, turnId: string): EventRow[] => tools.all(sessionNum, firstSeq, turnId),
    remove: (sessionNum: number, seq: number): void => void remove.run(sessionNum, seq),
    /** Seqs with the bytes of their data, the newest first; row by row. */
    sizes: (sessionNum: number): IterableIterator<{ seq: number; size: number }> => sizes.iterate(sessionNum),
    /** Forgets everything before a seq: a cursor there gets a gap. Returns how many events that were. */
    forgetBefore: (sessionNum: number, seq: number): number => {
      setKeptFrom.run(seq, sessionNum);
      return removeBefore.run(sessionNum, seq).changes;
    },
    hole: (sessionNum: number, seq: number) => hole.get(sessionNum, seq),
    /** Makes a hole of so many seqs at the head of every log. */
    skip: (count: number): void => {
      skipHoles.run(count);
      skipHeads.run(count);
    },
  };
}
