import type { Database } from './database.ts';
import { updateColumns } from './update-columns.ts';

/** A live activity on a device's lock screen, as stored. Times are milliseconds since 1970, but for `stamp`. */
export interface ActivityRow {
  num: number;
  id: string;
  device_num: number;
  /** Null once its session was deleted: its end is still to be told. */
  session_num: number | null;
  /** The push service's, in lower-case hex: it never goes into a log or an answer. */
  token: string;
  /** The app's own id of it. */
  app_id: string | null;
  /** 1: it alerts by itself when something needs its owner. */
  alerts: number;
  /** `ending`: its end is on the way; the row goes when that has arrived. */
  state: 'active' | 'ending';
  /** JSON of what it was told last. */
  content: string | null;
  /** Since when that is so. */
  changed_at: number;
  /** `timestamp` of its newest push, in seconds: a phone shows the push with the greatest. */
  stamp: number;
  /** Its newest push: older ones that were not sent yet are not needed any more. */
  push_num: number | null;
  /** The push service wants nothing for it before then. */
  hold_until: number;
  /** When to look at it again though nothing happens. */
  look_at: number;
  created_at: number;
  registered_at: number;
}
export type NewActivity = Pick<
  ActivityRow,
  'id' | 'device_num' | 'token' | 'app_id' | 'alerts' | 'changed_at' | 'look_at' | 'created_at' | 'registered_at'
> & { session_num: number };
export type ActivityChange = Partial<Omit<ActivityRow, 'num' | 'id' | 'device_num' | 'session_num'>>;

/** Statements of the table `activities`, and of the part of `deliveries` that is about them. */
export function activitiesTable(db: Database) {
  const insert = db.prepare<[NewActivity]>(`
    INSERT INTO activities (id, device_num, session_num, token, app_id, alerts, changed_at, look_at, created_at, registered_at)
    VALUES (@id, @device_num, @session_num, @token, @app_id, @alerts, @changed_at, @look_at, @created_at, @registered_at)`);
  const byNum = db.prepare<[number], ActivityRow>('SELECT * FROM activities WHERE num = ?');
  const byToken = db.prepare<[string], ActivityRow>('SELECT * FROM activities WHERE token = ?');
  const ofDevice = db.prepare<[number], ActivityRow>('SELECT * FROM activities WHERE device_num = ? ORDER BY num DESC');
  const ofSession = db.prepare<[number], ActivityRow>('SELECT * FROM activities WHERE session_num = ?');
  const sessions = db.prepare<[], { id: string }>(
    'SELECT DISTINCT s.id FROM activities a JOIN sessions s ON s.num = a.session_num ORDER BY s.num',
  );
  const due = db.prepare<[number, number], ActivityRow>(`SELECT * FROM activities WHERE look_at <= ? ORDER BY look_at LIMIT ?`);
  const orphans = db.prepare<[number], ActivityRow>(`SELECT * FROM activities WHERE session_num IS NULL AND state = 'active' LIMIT ?`);
  const remove = db.prepare<[number]>('DELETE FROM activities WHERE num = ?');
  const removeOfDevice = db.prepare<[number]>('DELETE FROM activities WHERE device_num = ?');
  const attach = db.prepare<[number, number]>('UPDATE deliveries SET activity_num = ? WHERE push_num = ?');
  const sent = db.prepare<[number, number], { urgent: number; last: number | null }>(`
    SELECT count(*) FILTER (WHERE p.priority = 10 AND d.created_at > ?) AS urgent, max(d.next_at) AS last
    FROM deliveries d JOIN pushes p ON p.num = d.push_num WHERE d.activity_num = ? AND d.state <> 'dropped'`);
  return {
    insert: (row: NewActivity): ActivityRow => byNum.get(Number(insert.run(row).lastInsertRowid)) as ActivityRow,
    byNum: (num: number): ActivityRow | undefined => byNum.get(num),
    byToken: (token: string): ActivityRow | undefined => byToken.get(token),
    /** All of a device, the latest first. */
    ofDevice: (deviceNum: number): ActivityRow[] => ofDevice.all(deviceNum),
    ofSession: (sessionNum: number): ActivityRow[] => ofSession.all(sessionNum),
    /** Ids of the sessions that have any. */
    sessions: (): string[] => sessions.all().map(({ id }) => id),
    /** Those to look at though nothing happened, the longest due first. */
    due: (now: number, limit: number): ActivityRow[] => due.all(now, limit),
    /** Those whose session was deleted, and that have not been told yet. */
    orphans: (limit: number): ActivityRow[] => orphans.all(limit),
    update: updateColumns<ActivityChange>(db, 'activities'),
    remove: (num: number): void => void remove.run(num),
    removeOfDevice: (deviceNum: number): void => void removeOfDevice.run(deviceNum),
    /** Says that a push goes to an activity's token instead of its device's. */
    attach: (num: number, pushNum: number): void => void attach.run(num, pushNum),
    /** Of the pushes that were or will be sent: how many urgent ones were made since then, and when the last one is due. */
    sent: (num: number, since: number): { urgent: number; last: number } => {
      const row = sent.get(since, num);
      return { urgent: row?.urgent ?? 0, last: row?.last ?? 0 };
    },
  };
}
