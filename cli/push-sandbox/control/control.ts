import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../../server/platform/app-error.ts';
import type { PushRecord } from '../push-record.ts';
import { answerApi, type ApiParts } from './api.ts';
import { drawer, wholePage, type DrawingParts } from './drawing.ts';
import { Feed } from './feed.ts';

/** The page and the API beside a push service. */
export interface Control {
  url: string;
  close(): Promise<void>;
}

export type ControlParts = ApiParts & DrawingParts;

const HOST = '127.0.0.1';
const MOST_BODY_BYTES = 65_536;

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const asset = (name: string, type: string) => ({ text: readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8'), type });

/** A request's JSON. Rejects with a SyntaxError where it is none. */
async function readJson(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) throw new SyntaxError(`A body has ${MOST_BODY_BYTES} bytes at most.`);
    chunks.push(chunk);
  }
  return bytes === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** Starts it on loopback. `follow` is given a function that wants to know of each push whose outcome is known. */
export async function startControl(
  port: number,
  parts: ControlParts,
  follow: (listener: (record: PushRecord) => void) => void,
): Promise<Control> {
  const draw = drawer(parts);
  const feed = new Feed(draw);
  const assets = { '/page.js': asset('page.js', 'text/javascript'), '/page.css': asset('page.css', 'text/css') };
  let bound = 0;

  /** Why a request is not answered: a web page elsewhere may have sent it, by a name of its own for this address. */
  function stranger({ headers, method }: IncomingMessage): string | null {
    const hosts = [`${HOST}:${bound}`, `localhost:${bound}`];
    if (!hosts.includes(headers.host ?? '')) return `The Host is not ${hosts.join(' or ')}.`;
    if (headers.origin !== undefined && !hosts.some((host) => headers.origin === `http://${host}`)) return 'Another page may not use this.';
    const json = /^application\/json\b/.test(headers['content-type'] ?? '');
    return method === 'GET' || method === 'DELETE' || json ? null : 'The Content-Type is not application/json.';
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const send = (status: number, type: string, text: string): void => {
      res.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(text);
    };
    for (const [name, value] of Object.entries(HEADERS)) res.setHeader(name, value);
    const why = stranger(req);
    if (why !== null) req.resume();
    if (why !== null) return send(403, 'application/json', JSON.stringify({ error: why }));
    const path = req.url ?? '/';
    if (!URL.canParse(path, `http://${HOST}`)) {
      req.resume();
      return send(404, 'application/json', JSON.stringify({ error: `There is no ${path}.` }));
    }
    const url = new URL(path, `http://${HOST}`);
    if (req.method === 'GET') {
      if (url.pathname === '/') return send(200, 'text/html', wholePage(parts.sandbox.url, draw(null)));
      if (url.pathname === '/events') return feed.join(res) ? undefined : send(503, 'application/json', '{"error":"Too many pages."}');
      const file = Object.entries(assets).find(([path]) => path === url.pathname)?.[1];
      if (file) return send(200, file.type, file.text);
    }
    const { status, body } = answerApi(parts, req.method ?? 'GET', url, await readJson(req));
    send(status, 'application/json', JSON.stringify(body));
  }

  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      if (res.headersSent) res.destroy();
      else
        res
          .writeHead(error instanceof SyntaxError ? 400 : 500, { 'content-type': 'application/json' })
          .end(JSON.stringify({ error: messageOf(error) }));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => {
      server.off('error', reject);
      resolve();
    });
  });
  bound = (server.address() as AddressInfo).port;
  follow((record) => feed.note(record));
  return {
    url: `http://${HOST}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        feed.close();
        server.closeAllConnections();
      }),
  };
}
