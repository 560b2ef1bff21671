import type { Database } from './database.ts';
import { activitiesTable } from './activities-table.ts';
import { auditTable } from './audit-table.ts';
import { deliveriesTable } from './deliveries-table.ts';
import { devicesTable } from './devices-table.ts';
import { escalationsTable } from './escalations-table.ts';
import { eventsTable } from './events-table.ts';
import { idempotencyTable } from './idempotency-table.ts';
import { incarnationsTable } from './incarnations-table.ts';
import { messagesTable } from './messages-table.ts';
import { metaTable } from './meta-table.ts';
import { outboxTable } from './outbox-table.ts';
import { requestsTable } from './requests-table.ts';
import { sessionsTable } from './sessions-table.ts';
import { turnsTable } from './turns-table.ts';

export type Store = ReturnType<typeof openStore>;

/** All tables over one connection. `transaction` runs its body whole or not at all; nested calls join the outer one. */
export function openStore(db: Database) {
  const run = db.transaction((body: () => unknown) => body());
  return {
    db,
    meta: metaTable(db),
    sessions: sessionsTable(db),
    incarnations: incarnationsTable(db),
    turns: turnsTable(db),
    messages: messagesTable(db),
    requests: requestsTable(db),
    audit: auditTable(db),
    events: eventsTable(db),
    idempotency: idempotencyTable(db),
    devices: devicesTable(db),
    escalations: escalationsTable(db),
    outbox: outboxTable(db),
    deliveries: deliveriesTable(db),
    activities: activitiesTable(db),
    /** Brings what was committed to the disk: to be called before files go that only the store could replace. */
    flush: (): void => void db.pragma('wal_checkpoint(PASSIVE)'),
    transaction: <T>(body: () => T): T => (db.inTransaction ? body() : (run.immediate(body) as T)),
  };
}
