import type { Refusal } from './reasons.ts';

/** How a push ended. Only what was `taken` reaches the phone. */
export type Outcome =
  | { kind: 'waiting' }
  | { kind: 'accepted' }
  | ({ kind: 'refused'; scripted: boolean } & Refusal)
  /** By a script: the connection was cut, the stream was reset, or nobody ever answers. */
  | { kind: 'broken'; how: 'cut' | 'reset' | 'silence'; taken: boolean }
  /** The stream was gone before the service came to it: left behind by a GOAWAY, a cut connection, or given up by the client. */
  | { kind: 'gone' };

/** One push as it came. */
export interface PushRecord {
  /** Counts 1, 2, 3… in the order of arrival. */
  n: number;
  /** Milliseconds since 1970, by the sandbox's clock. */
  at: number;
  /** Counts the connections from 1. */
  connection: number;
  stream: number;
  token: string;
  apnsId: string;
  topic: string | null;
  pushType: string | null;
  priority: number | null;
  expiration: number | null;
  collapseId: string | null;
  /** The beginning of the provider token's hash; null where there was none. */
  providerToken: string | null;
  /** Every `apns-` header as it was sent. */
  headers: Record<string, string>;
  /** The payload as it was sent; empty where it was not read to its end. */
  body: string;
  bytes: number;
  outcome: Outcome;
}

/** Whether the phone got it. */
export function wasTaken({ outcome }: PushRecord): boolean {
  return outcome.kind === 'accepted' || (outcome.kind === 'broken' && outcome.taken);
}
