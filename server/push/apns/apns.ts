import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Settings } from '../../../config/settings.ts';
import { AppError, messageOf } from '../../platform/app-error.ts';
import type { Clock } from '../../platform/clock.ts';
import { ApnsConnection, type Shipment } from './apns-connection.ts';
import { ProviderToken } from './provider-token.ts';
import type { Answer } from './retry.ts';

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
  const connectionFor = (production: boolean): ApnsConnection => {
    // Another service than Apple's is one for all.
    const which = host === undefined && production;
    const known = connections.get(which);
    if (known) return known;
    const made = new ApnsConnection({ production: which, host, port, ca }, token, { key: pem, keyId, teamId }, clock);
    connections.set(which, made);
    return made;
  };
  return {
    send: (parcel) => connectionFor(parcel.production).send(parcel, topicOf(parcel.topic ?? apnsTopic, parcel.pushType)),
    close: () => connections.forEach((connection) => connection.close()),
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
