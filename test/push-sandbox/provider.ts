import { sign } from 'node:crypto';
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import type { PushSandbox } from '../../cli/push-sandbox/push-sandbox.ts';

/** The bundle id of the tests' app. */
export const topic = 'com.example.companion';

/** A device token of Apple's form, each number its own. */
export const deviceToken = (number: number): string => number.toString(16).padStart(64, '0');

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** What a provider token says, where it is not to be the right thing. */
export interface TokenParts {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  key?: string;
}

/** A provider token, signed as Apple wants it unless told otherwise. `issuedAt` in milliseconds since 1970. */
export function providerToken(sandbox: PushSandbox, issuedAt: number, { header, claims, key }: TokenParts = {}): string {
  const head = part({ alg: 'ES256', kid: sandbox.keyId, ...header });
  const body = part({ iss: sandbox.teamId, iat: Math.floor(issuedAt / 1000), ...claims });
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key: key ?? sandbox.key, dsaEncoding: 'ieee-p1363' });
  return `${head}.${body}.${signature.toString('base64url')}`;
}

/** What came of a push: an answer, or the way in which there was none. */
export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  reason?: string;
  timestamp?: number;
  /** Why there is no answer. */
  error?: string;
}

export interface Sent {
  token?: string;
  path?: string;
  method?: string;
  headers?: OutgoingHttpHeaders;
  payload?: unknown;
  body?: string | Buffer;
  /** The body is begun and never ended. */
  unfinished?: boolean;
}

export const alert = (body: string, more: Record<string, unknown> = {}) => ({ aps: { alert: { title: 'Title', body }, ...more } });

/** A provider on one HTTP/2 connection, with nothing but Node's own client. */
export class Provider {
  readonly session: ClientHttp2Session;
  authorization: string | undefined;
  /** GOAWAY frames that came. */
  readonly goAways: { code: number; lastStream: number; text: string }[] = [];

  constructor(sandbox: PushSandbox, token: string | undefined) {
    this.session = connect(sandbox.url, { ca: sandbox.ca });
    this.authorization = token === undefined ? undefined : `bearer ${token}`;
    this.session.on('error', () => undefined);
    this.session.on('goaway', (code: number, lastStream: number, data?: Buffer) =>
      this.goAways.push({ code, lastStream, text: data?.toString() ?? '' }),
    );
  }

  /** Sends a push; resolves however it ends. */
  push({ token = deviceToken(1), path, method = 'POST', headers = {}, payload, body, unfinished }: Sent = {}): Promise<Answer> {
    return new Promise((resolve) => {
      const stream = this.session.request(
        {
          ':method': method,
          ':path': path ?? `/3/device/${token}`,
          ...(this.authorization === undefined ? {} : { authorization: this.authorization }),
          'apns-topic': topic,
          ...headers,
        },
        { endStream: false },
      );
      let head: Record<string, unknown> = {};
      let text = '';
      let error: string | undefined;
      stream.on('response', (got) => (head = { ...got }));
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('error', (problem: NodeJS.ErrnoException) => (error = `${problem.code}: ${problem.message}`));
      stream.on('close', () => {
        const status = Number(head[':status'] ?? 0);
        const said = text === '' ? {} : (JSON.parse(text) as { reason?: string; timestamp?: number });
        resolve({ status, headers: head, ...said, ...(error === undefined && status !== 0 ? {} : { error: error ?? 'closed' }) });
      });
      const whole = body ?? JSON.stringify(payload ?? alert('Hello'));
      if (unfinished) stream.write(whole);
      else stream.end(whole);
    });
  }

  close(): void {
    this.session.destroy();
  }
}
