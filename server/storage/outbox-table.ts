import type { Database } from './database.ts';

/** What is pushed, once for all the devices that get it. Times are milliseconds since 1970. */
export interface PushRow {
  num: number;
  id: string;
  /** Null for a push that is about no session. */
  session_num: number | null;
  /** The event that it tells of. */
  seq: number | null;
  kind: string;
  /** What it is about: of two pushes with one subject a phone shows the newer. */
  subject: string;
  push_type: 'alert' | 'background' | 'liveactivity';
  priority: number;
  /** JSON, 4,096 bytes at most. */
  payload: string;
  expires_at: number;
  /** 1: what it asks for was settled, so that nobody needs to be told any more. */
  settled: number;
  created_at: number;
}
export type NewPush = Omit<PushRow, 'num' | 'settled'>;

/** A session whose log has events that the rules have not seen. */
export interface BehindRow {
  num: number;
  id: string;
  owner: string;
  pushed_seq: number;
  /** Devices up to this `num` have what the next event asks for. */
  pushed_device: number;
}

/** Statements of the table `pushes`, and of the cursor over each session's log. */
export function outboxTable(db: Database) {
  const insert = db.prepare<[NewPush]>(`
    INSERT INTO pushes (id, session_num, seq, kind, subject, push_type, priority, payload, expires_at, created_at)
    VALUES (@id, @session_num, @seq, @kind, @subject, @push_type, @priority, @payload, @expires_at, @created_at)`);
  const byNum = db.prepare<[number], PushRow>('SELECT * FROM pushes WHERE num = ?');
  const ofEvent = db.prepare<[number, number, string], PushRow>('SELECT * FROM pushes WHERE session_num = ? AND seq = ? AND push_type = ?');
  const ofSubject = db.prepare<[number, string], PushRow>(
    `SELECT * FROM pushes WHERE session_num = ? AND subject = ? AND push_type = 'alert' ORDER BY num DESC LIMIT 1`,
  );
  const settle = db.prepare<[number, string]>('UPDATE pushes SET settled = 1 WHERE session_num = ? AND subject = ?');
  const behind = db.prepare<[], BehindRow>(
    'SELECT num, id, owner, pushed_seq, pushed_device FROM sessions INDEXED BY sessions_to_push WHERE pushed_seq < head_seq',
  );
  const position = db.prepare<[number], BehindRow>('SELECT num, id, owner, pushed_seq, pushed_device FROM sessions WHERE num = ?');
  const move = db.prepare<[number, number, number]>('UPDATE sessions SET pushed_seq = ?, pushed_device = ? WHERE num = ?');
  const old = db.prepare<[number, number], { num: number }>('SELECT num FROM pushes WHERE created_at <= ? ORDER BY created_at LIMIT ?');
  const remove = db.prepare<[number]>('DELETE FROM pushes WHERE num = ?');
  return {
    insert: (row: NewPush): number => Number(insert.run(row).lastInsertRowid),
    byNum: (num: number): PushRow | undefined => byNum.get(num),
    ofEvent: (sessionNum: number, seq: number, pushType: PushRow['push_type']): PushRow | undefined =>
      ofEvent.get(sessionNum, seq, pushType),
    /** The newest visible push about something. */
    ofSubject: (sessionNum: number, subject: string): PushRow | undefined => ofSubject.get(sessionNum, subject),
    settle: (sessionNum: number, subject: string): void => void settle.run(sessionNum, subject),
    /** Sessions with events that the rules have not seen. */
    behind: (): BehindRow[] => behind.all(),
    position: (sessionNum: number): BehindRow | undefined => position.get(sessionNum),
    move: (sessionNum: number, seq: number, device: number): void => void move.run(seq, device, sessionNum),
    /** Removes what was made up to then, with its part of the delivery log; returns how many. Nothing may be in use for that long. */
    prune: (until: number, limit: number): number => {
      const rows = old.all(until, limit);
      for (const { num } of rows) remove.run(num);
      return rows.length;
    },
  };
}
