import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Settings } from '../../../config/settings.ts';
import { AppError, messageOf } from '../../platform/app-error.ts';
import type { Clock } from '../../platform/clock.ts';
import type { ApnsConnection, Shipment } from './apns-connection.ts';
import { ProviderToken } from './provider-token.ts';
import { noAnswer, type Answer } from './retry.ts';

export type ApnsSettings = Pick<
  Settings,
  'apnsKeyPath' | 'apnsKeyId' | 'apnsTeamId' | 'apnsTopic' | 'apnsProduction' | 'apnsHost' | 'apnsPort' | 'apnsCaPath'
>;

/** A push with where it goes: a token belongs to one of Apple's two services. Without a topic it goes to the server's own. */
export type Parcel = Shipment & { topic: string | null; production: boolean };

/** What sends pushes. `send` never rejects. */
export interface Sender {
  send(parcel: Parcel): Promise<Answer>;
  close(): void;
}

const NEEDED = ['APNS_KEY_PATH', 'APNS_KEY_ID', 'APNS_TEAM_ID', 'APNS_TOPIC'] as const;

/** Settings that are missing for pushes to be sent; none where they can be. */
export function missingSettings(settings: ApnsSettings): string[] {
  const values = [settings.apnsKeyPath, settings.apnsKeyId, settings.apnsTeamId, settings.apnsTopic];
  return NEEDED.filter((_, index) => values[index] === undefined);
}

/** The sender of these settings; null where some are missing. Throws AppError `bad-setting` for files that can't be used. */
export function makeSender(settings: ApnsSettings, clock: Clock): Sender | null {
  const { apnsKeyPath, apnsKeyId: keyId, apnsTeamId: teamId, apnsTopic, apnsHost: host, apnsPort: port } = settings;
  if (apnsKeyPath === undefined || keyId === undefined || teamId === undefined || apnsTopic === undefined) return null;
  const { pem, key } = readKey(apnsKeyPath);
  const ca = settings.apnsCaPath === undefined ? undefined : readPem('APNS_CA_PATH', settings.apnsCaPath);
  const token = new ProviderToken({ key, keyId, teamId }, clock);
  const connections = new Map<boolean, ApnsConnection>();
  let state: 'open' | 'closed' = 'open';
  // node-apn and what it needs take 4 MiB of memory, which a server that pushes nothing has no use for; one that does has it from its start.
  const loaded = import('./apns-connection.ts');
  const connect = async (production: boolean): Promise<ApnsConnection | null> => {
    const { ApnsConnection } = await loaded;
    const known = connections.get(production);
    if (known) return known;
    if (state === 'closed') return null;
    const made = new ApnsConnection({ production, host, port, ca }, token, { key: pem, keyId, teamId }, clock);
    connections.set(production, made);
    return made;
  };
  return {
    send: (parcel) => {
      // Another service than Apple's is one for all.
      const production = host === undefined && parcel.production;
      const topic = topicOf(parcel.topic ?? apnsTopic, parcel.pushType);
      const known = connections.get(production);
      if (known) return known.send(parcel, topic);
      return connect(production).then((made) => made?.send(parcel, topic) ?? noAnswer('Shutdown'));
    },
    close: () => {
      state = 'closed';
      connections.forEach((connection) => connection.close());
    },
  };
}

/** Apple has a topic of its own for live activities, made of the app's bundle id. */
const topicOf = (bundleId: string, pushType: Shipment['pushType']): string =>
  pushType === 'liveactivity' ? `${bundleId}.push-type.liveactivity` : bundleId;

function readPem(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError('bad-setting', `${name} can't be read: ${messageOf(error)}.`, { cause: error });
  }
}

function readKey(path: string): { pem: string; key: KeyObject } {
  const pem = readPem('APNS_KEY_PATH', path);
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ec') return { pem, key };
  } catch (error) {
    throw new AppError('bad-setting', 'APNS_KEY_PATH is no private key: it must be the .p8 file that Apple gave.', { cause: error });
  }
  throw new AppError('bad-setting', 'APNS_KEY_PATH is no key for pushes: it must be the .p8 file that Apple gave.');
}
