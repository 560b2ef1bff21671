import { AppError } from '../../platform/app-error.ts';
import type { DeviceRow } from '../../storage/devices-table.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { Store } from '../../storage/store.ts';

/** The row of an owner's device. Throws `device-not-found`. */
export function ownDevice(store: Store, owner: string, id: string): DeviceRow {
  const row = store.devices.byId(id);
  if (row?.owner !== owner) throw new AppError('device-not-found', 'There is no such device. Register it with POST /api/devices.');
  return row;
}

/** The row of an owner's session. Throws `session-not-found`. */
export function ownSession(store: Store, owner: string, id: string): SessionRow {
  const row = store.sessions.byId(id);
  if (row?.owner !== owner) throw new AppError('session-not-found', `There is no session ${id}.`);
  return row;
}
