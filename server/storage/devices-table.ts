import type { Database } from './database.ts';
import { updateColumns } from './update-columns.ts';

/**
 * A device as stored. `token` is the push service's, in lower-case hex: it never goes into a log or an answer.
 * `preferences` is JSON; times are milliseconds since 1970.
 */
export interface DeviceRow {
  num: number;
  id: string;
  owner: string;
  token: string;
  platform: 'ios' | 'macos';
  environment: 'sandbox' | 'production';
  /** The app's bundle id; null: the server's own (APNS_TOPIC). */
  topic: string | null;
  app_version: string | null;
  name: string;
  preferences: string;
  /** `unregistered`: the push service said that the token is no more; nothing is sent until it is registered again. */
  state: 'active' | 'unregistered';
  /** `delivered`, or the push service's reason of the last refusal. */
  last_result: string | null;
  last_result_at: number | null;
  last_delivered_at: number | null;
  /** Refusals since the last delivery. */
  failures: number;
  created_at: number;
  registered_at: number;
}
/** What a push needs to know of its device: read for every push. */
export type PushTarget = Pick<DeviceRow, 'num' | 'id' | 'token' | 'environment' | 'topic' | 'state' | 'registered_at'>;
/** What a device wants of one session; null: as everywhere else. */
export interface DeviceSessionRow {
  device_num: number;
  session_num: number;
  session_id: string;
  level: string | null;
  muted_until: number | null;
}
export type NewDevice = Omit<DeviceRow, 'num' | 'state' | 'last_result' | 'last_result_at' | 'last_delivered_at' | 'failures'>;
export type DeviceChange = Partial<
  Pick<DeviceRow, 'platform' | 'environment' | 'topic' | 'app_version' | 'name' | 'preferences' | 'state' | 'failures' | 'registered_at'>
>;
/** One answer of the push service about a device. */
export interface PushResult {
  /** `delivered`, or the reason of a refusal, such as `Unregistered`. */
  result: string;
  at: number;
  /** The token is no more: nothing is sent to it from now on. */
  gone?: boolean;
}

/** Statements of the tables `devices` and `device_sessions`. */
export function devicesTable(db: Database) {
  const insert = db.prepare<[NewDevice]>(`
    INSERT INTO devices (id, owner, token, platform, environment, topic, app_version, name, preferences, created_at, registered_at)
    VALUES (@id, @owner, @token, @platform, @environment, @topic, @app_version, @name, @preferences, @created_at, @registered_at)`);
  const byId = db.prepare<[string], DeviceRow>('SELECT * FROM devices WHERE id = ?');
  const byNum = db.prepare<[number], DeviceRow>('SELECT * FROM devices WHERE num = ?');
  const target = db.prepare<[number], PushTarget>(
    'SELECT num, id, token, environment, topic, state, registered_at FROM devices WHERE num = ?',
  );
  const byToken = db.prepare<[string], DeviceRow>('SELECT * FROM devices WHERE token = ?');
  const page = db.prepare<[string, number, number], DeviceRow>(
    'SELECT * FROM devices WHERE owner = ? AND num < ? ORDER BY num DESC LIMIT ?',
  );
  const active = db.prepare<[string, number, number], DeviceRow>(
    `SELECT * FROM devices WHERE owner = ? AND num > ? AND state = 'active' ORDER BY num LIMIT ?`,
  );
  const count = db.prepare<[string], { n: number }>('SELECT count(*) AS n FROM devices WHERE owner = ?');
  const oldestGone = db.prepare<[string], { num: number }>(
    `SELECT num FROM devices WHERE owner = ? AND state = 'unregistered' ORDER BY registered_at LIMIT 1`,
  );
  const remove = db.prepare<[number]>('DELETE FROM devices WHERE num = ?');
  const result = db.prepare<[{ num: number; result: string; at: number; delivered: number; gone: number }]>(`
    UPDATE devices SET last_result = @result, last_result_at = @at,
      last_delivered_at = iif(@delivered, @at, last_delivered_at), failures = iif(@delivered, 0, failures + 1),
      state = iif(@gone, 'unregistered', state) WHERE num = @num`);
  const sessionsOf = db.prepare<[number], DeviceSessionRow>(
    'SELECT d.*, s.id AS session_id FROM device_sessions d JOIN sessions s ON s.num = d.session_num WHERE d.device_num = ? ORDER BY s.num',
  );
  const ofSession = db.prepare<[number], DeviceSessionRow>(
    'SELECT d.*, s.id AS session_id FROM device_sessions d JOIN sessions s ON s.num = d.session_num WHERE d.session_num = ?',
  );
  const forSession = db.prepare<[number, number, number], DeviceSessionRow>(`
    SELECT d.*, s.id AS session_id FROM device_sessions d JOIN sessions s ON s.num = d.session_num
    WHERE d.session_num = ? AND d.device_num BETWEEN ? AND ?`);
  const setSession = db.prepare<[number, number, string | null, number | null]>(`
    INSERT INTO device_sessions (device_num, session_num, level, muted_until) VALUES (?, ?, ?, ?)
    ON CONFLICT (device_num, session_num) DO UPDATE SET level = excluded.level, muted_until = excluded.muted_until`);
  const forgetSession = db.prepare<[number, number]>('DELETE FROM device_sessions WHERE device_num = ? AND session_num = ?');
  return {
    insert: (row: NewDevice): DeviceRow => byNum.get(Number(insert.run(row).lastInsertRowid)) as DeviceRow,
    byId: (id: string): DeviceRow | undefined => byId.get(id),
    byNum: (num: number): DeviceRow | undefined => byNum.get(num),
    target: (num: number): PushTarget | undefined => target.get(num),
    byToken: (token: string): DeviceRow | undefined => byToken.get(token),
    /** An owner's devices below `beforeNum`, the latest first. */
    page: (owner: string, beforeNum: number, limit: number): DeviceRow[] => page.all(owner, beforeNum, limit),
    /** An owner's devices that can be pushed to, above `afterNum`, in order: many are read in several turns of the event loop. */
    active: (owner: string, afterNum: number, limit: number): DeviceRow[] => active.all(owner, afterNum, limit),
    count: (owner: string): number => count.get(owner)?.n ?? 0,
    /** Of the devices whose token is no more, the one that was registered longest ago. */
    oldestGone: (owner: string): number | undefined => oldestGone.get(owner)?.num,
    update: updateColumns<DeviceChange>(db, 'devices'),
    remove: (num: number): void => void remove.run(num),
    /** Keeps what the push service said. */
    recordResult: (num: number, { result: text, at, gone = false }: PushResult): void =>
      void result.run({ num, result: text, at, delivered: text === 'delivered' ? 1 : 0, gone: gone ? 1 : 0 }),
    sessionsOf: (num: number): DeviceSessionRow[] => sessionsOf.all(num),
    /** What every device wants of one session. */
    ofSession: (sessionNum: number): DeviceSessionRow[] => ofSession.all(sessionNum),
    /** The same for the devices from one `num` to another. */
    forSession: (sessionNum: number, from: number, to: number): DeviceSessionRow[] => forSession.all(sessionNum, from, to),
    setSession: (num: number, sessionNum: number, level: string | null, mutedUntil: number | null): void =>
      void setSession.run(num, sessionNum, level, mutedUntil),
    forgetSession: (num: number, sessionNum: number): void => void forgetSession.run(num, sessionNum),
  };
}
