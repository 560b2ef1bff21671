import type { Database } from './database.ts';

/** `sending`: handed to the push service, whose answer was not seen yet. `dropped`: not needed any more, or no room for it. */
export type DeliveryState = 'queued' | 'sending' | 'delivered' | 'failed' | 'expired' | 'dropped';

/** One push on its way to one device, and afterwards what became of it. Times are milliseconds since 1970. */
export interface DeliveryRow {
  num: number;
  push_num: number;
  device_num: number;
  /** A UUID, the same at every attempt. */
  apns_id: string;
  subject: string;
  silent: number;
  state: DeliveryState;
  attempts: number;
  next_at: number;
  /** HTTP status and reason of the last answer, or why there was none. */
  status: number | null;
  reason: string | null;
  created_at: number;
  finished_at: number | null;
  received_at: number | null;
  opened_at: number | null;
  /** The live activity that it is for; null for everything else, and once that is gone. */
  activity_num: number | null;
}
export type NewDelivery = Pick<
  DeliveryRow,
  'push_num' | 'device_num' | 'apns_id' | 'subject' | 'silent' | 'reason' | 'next_at' | 'created_at'
>;
/** One that may be sent now. */
export type DueDelivery = Pick<
  DeliveryRow,
  'num' | 'push_num' | 'device_num' | 'apns_id' | 'attempts' | 'status' | 'reason' | 'created_at' | 'activity_num'
>;
/** An entry of the delivery log. */
export type LoggedDelivery = DeliveryRow & { push_id: string; kind: string; session_id: string | null };

/** The reason of a push that waits whether its device proves that it shows what the push tells; of one that was dropped, that it did. */
export const FOREGROUND = 'foreground';
const isWithheld = `deliveries.attempts = 0 AND deliveries.reason = '${FOREGROUND}'`;

/** Whether a push is kept from its device, which may show what it tells. */
export function isWithheldRow({ attempts, reason }: Pick<DeliveryRow, 'attempts' | 'reason'>): boolean {
  return attempts === 0 && reason === FOREGROUND;
}

/** Statements of the table `deliveries`: the outbox and, of what is done with, the delivery log. */
export function deliveriesTable(db: Database) {
  const insert = db.prepare<[NewDelivery]>(`
    INSERT INTO deliveries (push_num, device_num, apns_id, subject, silent, reason, next_at, created_at)
    VALUES (@push_num, @device_num, @apns_id, @subject, @silent, @reason, @next_at, @created_at)
    ON CONFLICT (push_num, device_num) DO UPDATE SET state = 'queued', reason = excluded.reason, next_at = excluded.next_at, finished_at = NULL
    WHERE ${isWithheld} AND state IN ('queued', 'dropped')`);
  const due = db.prepare<[number, number], DueDelivery>(`
    SELECT num, push_num, device_num, apns_id, attempts, status, reason, created_at, activity_num
    FROM deliveries INDEXED BY deliveries_due WHERE state = 'queued' AND next_at <= ? ORDER BY next_at LIMIT ?`);
  const nextAt = db.prepare<[], { at: number | null }>(
    `SELECT min(next_at) AS at FROM deliveries INDEXED BY deliveries_due WHERE state = 'queued'`,
  );
  const take = db.prepare<[number]>(`UPDATE deliveries SET state = 'sending', attempts = attempts + 1 WHERE num = ? AND state = 'queued'`);
  const giveBack = db.prepare<[number]>(`UPDATE deliveries SET state = 'queued', next_at = ? WHERE state = 'sending'`);
  const bringForward = db.prepare<[number]>(`UPDATE deliveries SET next_at = next_at - ? WHERE state = 'queued'`);
  const ofTheFuture = db.prepare<[number, number]>(`UPDATE deliveries SET next_at = ? WHERE state = 'queued' AND created_at > ?`);
  const retry = db.prepare<[number, number | null, string, number]>(
    `UPDATE deliveries SET state = 'queued', next_at = ?, status = ?, reason = ? WHERE num = ? AND state = 'sending'`,
  );
  const isStill = db.prepare<[number, string], { one: number }>('SELECT 1 AS one FROM deliveries WHERE num = ? AND apns_id = ?');
  const postpone = db.prepare<[number, number, number]>(
    `UPDATE deliveries SET next_at = ? WHERE device_num = ? AND activity_num IS NULL AND state = 'queued' AND next_at < ?`,
  );
  const finish = db.prepare<[DeliveryState, number | null, string | null, number, number]>(
    'UPDATE deliveries SET state = ?, status = ?, reason = ?, finished_at = ? WHERE num = ? AND finished_at IS NULL',
  );
  const replace = db.prepare<[number, number, string, number]>(`
    UPDATE deliveries SET state = 'dropped', reason = 'replaced', finished_at = ?
    WHERE device_num = ? AND subject = ? AND state = 'queued' AND push_num <> ?`);
  const forget = db.prepare<[string, number, number]>(
    `UPDATE deliveries SET state = 'dropped', reason = ?, finished_at = ? WHERE device_num = ? AND state = 'queued'`,
  );
  const unsent = db.prepare<[number], { n: number }>(`SELECT count(*) AS n FROM deliveries WHERE device_num = ? AND state = 'queued'`);
  const waiting = db.prepare<[number, number], { device_num: number }>(
    `SELECT DISTINCT device_num FROM deliveries INDEXED BY deliveries_unsent WHERE state = 'queued' AND device_num BETWEEN ? AND ?`,
  );
  const oldest = db.prepare<[number], { num: number }>(
    `SELECT num FROM deliveries WHERE device_num = ? AND state = 'queued' ORDER BY silent DESC, subject LIKE 'ask:%', num LIMIT 1`,
  );
  const silentSince = db.prepare<[number, number], { n: number }>(
    'SELECT count(*) AS n FROM deliveries INDEXED BY deliveries_silent WHERE device_num = ? AND silent = 1 AND created_at > ?',
  );
  const total = db.prepare<[], { n: number }>(
    `SELECT (SELECT count(*) FROM deliveries WHERE state = 'queued') + (SELECT count(*) FROM deliveries WHERE state = 'sending') AS n`,
  );
  const logged = `SELECT d.*, p.id AS push_id, p.kind, s.id AS session_id FROM deliveries d
    JOIN pushes p ON p.num = d.push_num LEFT JOIN sessions s ON s.num = p.session_num`;
  const ofDevice = db.prepare<[number, number, number], LoggedDelivery>(
    `${logged} WHERE d.device_num = ? AND d.num < ? ORDER BY d.num DESC LIMIT ?`,
  );
  const receive = db.prepare<[{ device: number; push: string; received: number | null; opened: number | null }]>(`
    UPDATE deliveries SET received_at = coalesce(received_at, @received, @opened), opened_at = coalesce(opened_at, @opened)
    WHERE device_num = @device AND attempts > 0 AND push_num = (SELECT num FROM pushes WHERE id = @push)`);
  const about = db.prepare<
    [number, string],
    Pick<DeliveryRow, 'device_num' | 'state' | 'attempts' | 'reason' | 'received_at' | 'opened_at'>
  >(`
    SELECT d.device_num, d.state, d.attempts, d.reason, d.received_at, d.opened_at FROM deliveries d JOIN pushes p ON p.num = d.push_num
    WHERE p.session_num = ? AND p.subject = ? AND d.silent = 0`);
  return {
    /** False where this device has this push already, or will get it: one that was kept from it goes out now. */
    insert: (row: NewDelivery): boolean => insert.run(row).changes === 1,
    /** What may be sent now, what has waited longest first. */
    due: (now: number, limit: number): DueDelivery[] => due.all(now, limit),
    /** When the next one may be sent; null where nothing waits. */
    nextAt: (): number | null => nextAt.get()?.at ?? null,
    take: (num: number): void => void take.run(num),
    /** What a server had under way when it ended is to be sent again. Returns how many. */
    giveBack: (now: number): number => giveBack.run(now).changes,
    /** What waits is due so much sooner: the clock was set back by as many milliseconds. */
    bringForward: (milliseconds: number): void => void bringForward.run(milliseconds),
    /** What was made at a time that is yet to come, before the clock was set back, is due now. */
    dueFromTheFuture: (now: number): void => void ofTheFuture.run(now, now),
    retry: (num: number, at: number, status: number | null, reason: string): void => void retry.run(at, status, reason, num),
    /** Whether a row is still the one with this apns-id: SQLite gives the number of one that was removed to the next. */
    isStill: (num: number, apnsId: string): boolean => isStill.get(num, apnsId) !== undefined,
    /** Nothing goes to this device's own token before then: its live activities have tokens of their own. */
    postpone: (deviceNum: number, at: number): void => void postpone.run(at, deviceNum, at),
    finish: (num: number, state: DeliveryState, status: number | null, reason: string | null, at: number): void =>
      void finish.run(state, status, reason, at, num),
    /** Drops what waits for this device about the same, but for one push (0: for none); returns how many. */
    replace: (deviceNum: number, subject: string, at: number, pushNum: number): number =>
      replace.run(at, deviceNum, subject, pushNum).changes,
    /** Drops everything that waits for a device; returns how many. */
    forget: (deviceNum: number, reason: string, at: number): number => forget.run(reason, at, deviceNum).changes,
    /** Of the devices from one `num` to another, those for which something waits. */
    waiting: (from: number, to: number): Set<number> => new Set(waiting.all(from, to).map((row) => row.device_num)),
    /** How many wait for a device. */
    unsent: (deviceNum: number): number => unsent.get(deviceNum)?.n ?? 0,
    /** Of what waits for a device, the one that matters least: the oldest silent one, else the oldest, and last what an agent asks. */
    leastNeeded: (deviceNum: number): number | undefined => oldest.get(deviceNum)?.num,
    /** Silent pushes made for a device since then. */
    silentSince: (deviceNum: number, since: number): number => silentSince.get(deviceNum, since)?.n ?? 0,
    /** How many wait or are under way, over all devices. */
    open: (): number => total.get()?.n ?? 0,
    /** A device's part of the delivery log below `beforeNum`, the latest first. */
    ofDevice: (deviceNum: number, beforeNum: number, limit: number): LoggedDelivery[] => ofDevice.all(deviceNum, beforeNum, limit),
    /** Keeps what a device says of a push; false where it never got that one. */
    receive: (device: number, push: string, received: number | null, opened: number | null): boolean =>
      receive.run({ device, push, received, opened }).changes === 1,
    /** Every device that was to see a push about something. */
    about: (sessionNum: number, subject: string) => about.all(sessionNum, subject),
  };
}
