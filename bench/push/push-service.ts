import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { loadCredentials } from '../../cli/push-sandbox/credentials.ts';

// A push service that takes everything, in a process of its own: it reads each push to its end and answers 200 with its apns-id, and
// does nothing else, so that what sends is measured and not what receives. It takes the credentials of a push sandbox from the folder
// that is its argument. Its parent is told the port, and, as often as it asks for a number of pushes, when that many were answered.

/** Streams that a connection may have at a time, as Apple allows. */
const STREAMS = 1_000;

/** What a push was like: its headers without those of HTTP/2 itself, and its payload. */
export interface SeenPush {
  headers: Record<string, string>;
  payload: string;
}
/** The first message says the port; each one after that answers a request for so many pushes. */
export type ServiceMessage = { port: number } | { answered: number; last: SeenPush };
export type ServiceRequest = { pushes: number };

const [, , folder = ''] = process.argv;
const credentials = loadCredentials(folder, Date.now());
if (!credentials) throw new Error('The folder has no credentials of a push sandbox.');
const { certificate: cert, key } = credentials.certificates;
const server = createSecureServer({ cert, key, settings: { maxConcurrentStreams: STREAMS } });
const tell = (message: ServiceMessage): void => void process.send?.(message);
let wanted = 0;
let answered = 0;

server.on('stream', (stream, headers) => {
  let payload = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => (payload += text));
  stream.on('error', () => undefined);
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'apns-id': String(headers['apns-id']) }, { endStream: true });
    answered += 1;
    if (answered !== wanted) return;
    const own = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
    tell({ answered, last: { headers: Object.fromEntries(own) as Record<string, string>, payload } });
  });
});
process.on('message', ({ pushes }: ServiceRequest) => {
  wanted = pushes;
  answered = 0;
});
process.once('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => tell({ port: (server.address() as AddressInfo).port }));
