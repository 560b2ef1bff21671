import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { deviceToken } from '../../test/support/push.ts';
import type { SeenPush } from './push-service.ts';

// What a sender costs that keeps nothing: one connection of node:http2, as many streams as the service allows, and for each push the same
// payload and headers under an id of its own. Arguments: the service's URL and the folder with its CA. Its parent asks for pushes.

export type LoopRequest = { pushes: number; like: SeenPush };
export type LoopMessage = { ready: true } | { milliseconds: number };

const [, , url = '', folder = ''] = process.argv;
const session = connect(url, { ca: readFileSync(join(folder, 'ca.pem')) });
const tell = (message: LoopMessage): void => void process.send?.(message);

function send(number: number, { headers, payload }: SeenPush, done: () => void): void {
  const path = `/3/device/${deviceToken(number)}`;
  const stream = session.request({ ...headers, ':method': 'POST', ':path': path, 'apns-id': randomUUID() });
  let status = 0;
  stream.on('response', (head) => (status = Number(head[':status'])));
  stream.on('error', (error) => {
    throw error;
  });
  stream.on('close', () => {
    if (status !== 200) throw new Error(`A push was answered with ${status}.`);
    done();
  });
  stream.resume();
  stream.end(payload);
}

/** Sends so many; resolves when all were answered. */
function sendAll({ pushes, like }: LoopRequest): Promise<void> {
  return new Promise((resolve) => {
    let sent = 0;
    let answered = 0;
    const next = (): void => {
      if (sent < pushes) send(++sent, like, settle);
    };
    const settle = (): void => {
      answered += 1;
      if (answered === pushes) resolve();
      else next();
    };
    for (let streams = session.remoteSettings.maxConcurrentStreams ?? 100; streams > 0; streams -= 1) next();
  });
}

process.on('message', (request: LoopRequest) => {
  const from = performance.now();
  void sendAll(request).then(() => tell({ milliseconds: performance.now() - from }));
});
process.once('disconnect', () => process.exit());
await once(session, 'remoteSettings');
tell({ ready: true });
