import type { Request, Response } from 'express';
import type { Sink } from '../events/reader.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import type { Clock } from '../platform/clock.ts';

/** A comment this often keeps proxies and phones from closing a quiet stream. */
const KEEP_ALIVE_MS = 15_000;

/** Whether the client asked for a stream of events. */
export function wantsStream({ request }: { request: Request }): boolean {
  return request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';
}

/** A server-sent event stream as a reader's sink. Nothing is buffered beyond what the socket takes. */
export class EventStream implements Sink {
  readonly #response: Response;
  readonly #onEvent: ((event: StoredEvent) => boolean) | undefined;

  /** `onEvent` says whether an event is for this stream. */
  constructor(response: Response, clock: Clock, onEvent?: (event: StoredEvent) => boolean) {
    this.#response = response;
    this.#onEvent = onEvent;
    response.status(200);
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Accel-Buffering', 'no');
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    const timer = clock.every(KEEP_ALIVE_MS, () => response.writableNeedDrain || response.write(': keep-alive\n\n'));
    response.once('close', () => timer.cancel());
  }

  write(event: StoredEvent): boolean {
    if (this.#onEvent && !this.#onEvent(event)) return true;
    return this.#response.write(`id: ${event.seq}\nevent: ${event.kind}\ndata: ${event.json}\n\n`);
  }

  notice(kind: 'gap' | 'ahead', json: string): void {
    this.#response.write(`event: ${kind}\ndata: ${json}\n\n`);
  }

  drained(resume: () => void): void {
    this.#response.once('drain', resume);
  }
}
