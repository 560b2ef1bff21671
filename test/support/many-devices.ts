import { join } from 'node:path';
import { openDatabase } from '../../server/storage/database.ts';
import { openStore } from '../../server/storage/store.ts';
import { deviceToken } from './push.ts';

/** Puts devices into the store of a server that does not run, for the owner of its sessions. What happened before is not for them. */
export function registerMany(dataDir: string, count: number): void {
  const db = openDatabase(join(dataDir, 'holdfast.db'));
  const store = openStore(db);
  const owner = db.prepare<[], { owner: string }>('SELECT owner FROM sessions').get()?.owner ?? '';
  store.transaction(() => {
    for (let number = 1; number <= count; number += 1) {
      store.devices.insert({
        ...{ id: `device-${number}`, owner, token: deviceToken(number), platform: 'ios', environment: 'sandbox', topic: null },
        ...{ app_version: null, name: 'Phone', preferences: '{}', created_at: 0, registered_at: 0 },
      });
    }
  });
  db.exec('UPDATE sessions SET pushed_seq = head_seq');
  db.close();
}
