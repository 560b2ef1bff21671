import type { ServerResponse } from 'node:http';
import type { PushRecord } from '../push-record.ts';
import type { Html } from './html.ts';
import type { Piece } from './page.ts';

/** What the page draws. */
export interface PageState {
  counts: Html;
  phones: Piece[];
  pushes: Piece[];
  /** Everything that was drawn before goes. */
  reset?: true;
}

/** Draws what has changed: pushes (all that are to be seen where it is null), and with them their phones. */
export type Draw = (changed: readonly PushRecord[] | null) => PageState;

const PAUSE_MS = 100;
const MOST_READERS = 20;
const MOST_CHANGED = 200;
/** A reader that takes no more than this many bytes is let go; its browser comes back and gets everything. */
const MOST_BYTES = 4_000_000;

/** Server-sent events for pages: all at first, then what changes, ten times a second at most. */
export class Feed {
  readonly #draw: Draw;
  readonly #readers = new Set<ServerResponse>();
  #changed: PushRecord[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  /** Follows from now on; false where there are too many readers. */
  join(res: ServerResponse): boolean {
    if (this.#readers.size >= MOST_READERS) return false;
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    this.#readers.add(res);
    res.once('close', () => this.#readers.delete(res));
    send(res, { ...this.#draw(null), reset: true });
    return true;
  }

  /** Notes a push that has changed. */
  note(record: PushRecord): void {
    if (this.#readers.size === 0) return;
    this.#changed.push(record);
    if (this.#changed.length > MOST_CHANGED) this.#changed.shift();
    this.#timer ??= setTimeout(() => this.#send(), PAUSE_MS);
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    for (const res of this.#readers) res.destroy();
  }

  #send(): void {
    this.#timer = null;
    const changed = this.#changed;
    this.#changed = [];
    if (this.#readers.size === 0) return;
    const state = this.#draw(changed);
    for (const res of this.#readers) {
      if (res.writableLength > MOST_BYTES) res.destroy();
      else send(res, state);
    }
  }
}

function send(res: ServerResponse, state: PageState): void {
  res.write(`event: state\ndata: ${JSON.stringify(state)}\n\n`);
}
