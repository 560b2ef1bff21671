import { createPrivateKey, createPublicKey, generateKeyPairSync, randomInt, type KeyObject } from 'node:crypto';
import { pemOf } from './certificates.ts';

/** What Apple gives to a team: a key to sign provider tokens with, and its names. */
export interface ProviderKey {
  /** The .p8 file. */
  p8: string;
  keyId: string;
  teamId: string;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const ID_LENGTH = 10;

const makeId = (): string => Array.from({ length: ID_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');

/** A new key, with the ids that it is given or with new ones of Apple's form. */
export function makeProviderKey(ids: { keyId?: string; teamId?: string } = {}): ProviderKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { p8: pemOf(privateKey), keyId: ids.keyId ?? makeId(), teamId: ids.teamId ?? makeId() };
}

/** The half of it that the service has. */
export function publicHalf(key: ProviderKey): KeyObject {
  return createPublicKey(createPrivateKey(key.p8));
}
