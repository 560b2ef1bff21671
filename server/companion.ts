import type { Settings } from '../config/settings.ts';
import type { Clock } from './platform/clock.ts';
import type { Logger } from './platform/logger.ts';
import type { DeviceOutbox } from './push/devices/device-outbox.ts';
import { Devices } from './push/devices/devices.ts';
import type { Presence } from './push/devices/presence.ts';
import type { PresenceFeed } from './socket/pulse.ts';
import type { Store } from './storage/store.ts';

export interface CompanionParts {
  store: Store;
  clock: Clock;
  logger: Logger;
  newId: () => string;
  settings: Pick<Settings, 'maxDevices' | 'apnsProduction'>;
}

export interface Companion {
  devices: Devices;
  /** What sockets tell of who looks at what. */
  feed: PresenceFeed;
}

/** The owner's devices, and which of them shows what. `outbox` is what sends to them. */
export function makeCompanion({ settings, ...parts }: CompanionParts, presence: Presence, outbox: DeviceOutbox): Companion {
  const environment = settings.apnsProduction ? 'production' : 'sandbox';
  const devices = new Devices({ ...parts, presence, outbox, max: settings.maxDevices, environment });
  const feed: PresenceFeed = {
    identify: (connectionId, owner, deviceId) => presence.identify(connectionId, devices.find(owner, deviceId).id),
    focus: (connectionId, sessionId) => presence.focus(connectionId, sessionId),
    alive: (connectionId) => presence.alive(connectionId),
    gone: (connectionId) => presence.gone(connectionId),
  };
  return { devices, feed };
}
