import { connect } from 'node:net';
import { TOKEN } from './holdfast.ts';

export interface RawReply {
  status: number;
  headers: Record<string, string>;
  text: string;
}

export interface RawRequest {
  method?: string;
  /** Sent as it is, however wrong. */
  path: string;
  /** Header lines; `authorization` and `host` have good defaults, undefined leaves one out. */
  headers?: Record<string, string | undefined>;
  body?: string | Buffer;
}

/** A request of exactly these bytes, which no HTTP client would send; gives what came back before the connection ended. */
export function rawRequest(url: string, { method = 'GET', path, headers = {}, body = '' }: RawRequest): Promise<RawReply> {
  const { hostname, port, host } = new URL(url);
  const bytes = Buffer.from(body);
  const all = {
    host,
    authorization: `Bearer ${TOKEN}`,
    connection: 'close',
    ...(bytes.length > 0 ? { 'content-length': String(bytes.length) } : {}),
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]));
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
      if (bytes.length > 0) socket.write(bytes);
    });
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.on('error', (error) => (received.length === 0 ? reject(error) : undefined));
    socket.on('close', () => {
      const text = Buffer.concat(received).toString('utf8');
      const [head = '', rest = ''] = [text.slice(0, text.indexOf('\r\n\r\n')), text.slice(text.indexOf('\r\n\r\n') + 4)];
      const [first = '', ...fields] = head.split('\r\n');
      const pairs = fields.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]);
      resolve({ status: Number(first.split(' ')[1]), headers: Object.fromEntries(pairs) as Record<string, string>, text: rest });
    });
    socket.setTimeout(20_000, () => socket.destroy(new Error('No answer came within 20 s.')));
  });
}
