import type { ServerHttp2Stream } from 'node:http2';
import type { Clock } from '../../server/platform/clock.ts';

/** How the reading of a request's body ended. */
export type Reading = { kind: 'whole'; body: Buffer } | { kind: 'too-large'; bytes: number } | { kind: 'idle' };

/** More than any payload may have. */
const MOST_BYTES = 8_192;

/** Reads a body, and gives up when it is too large or when nothing comes for `idleMs`. `done` is called once, or never where the stream breaks. */
export function readBody(stream: ServerHttp2Stream, clock: Clock, idleMs: number, done: (reading: Reading) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const idle = (): void => settle({ kind: 'idle' });
  let timer = clock.after(idleMs, idle);
  const read = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return settle({ kind: 'too-large', bytes });
    chunks.push(chunk);
    timer.cancel();
    timer = clock.after(idleMs, idle);
  };
  const end = (): void => settle({ kind: 'whole', body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) });
  const close = (): void => timer.cancel();
  const settle = (reading: Reading): void => {
    timer.cancel();
    stream.off('data', read).off('end', end).off('close', close);
    done(reading);
  };
  stream.on('data', read).once('end', end).once('close', close);
}
