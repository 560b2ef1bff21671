import type { Channel } from '../contracts/events.ts';
import { eventData } from '../contracts/events.ts';
import { isoTime } from '../platform/clock.ts';
import type { EventRow } from '../storage/events-table.ts';

const channels = new Map<string, Channel>(
  (Object.keys(eventData) as Channel[]).flatMap((channel) => Object.keys(eventData[channel]).map((kind) => [kind, channel] as const)),
);

/** An event that has its place in the log, encoded once for all its readers. */
export class StoredEvent {
  readonly sessionId: string;
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly turnId: string | null;
  /** JSON of `data`. */
  readonly data: string;
  #json: string | undefined;

  constructor(sessionId: string, row: EventRow) {
    this.sessionId = sessionId;
    this.seq = row.seq;
    this.at = row.at;
    this.kind = row.kind;
    this.turnId = row.turn_id;
    this.data = row.data;
  }

  get channel(): Channel {
    return channels.get(this.kind) ?? 'agent';
  }

  /** The event as every transport carries it. */
  get json(): string {
    const turn = this.turnId === null ? '' : `,"turnId":"${this.turnId}"`;
    this.#json ??= `{"sessionId":"${this.sessionId}","seq":${this.seq},"at":"${isoTime(this.at)}","channel":"${this.channel}","kind":"${this.kind}"${turn},"data":${this.data}}`;
    return this.#json;
  }
}
