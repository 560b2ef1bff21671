import { constants, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import apn from '@parse/node-apn';
import { systemCode } from '../../platform/app-error.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { ProviderToken } from './provider-token.ts';
import { noAnswer, REFUSED, type Answer } from './retry.ts';

export interface Endpoint {
  production: boolean;
  host: string | undefined;
  port: number | undefined;
  /** PEM of a certificate authority; Apple's needs none. */
  ca: string | undefined;
}

/** One push, ready to go. */
export interface Shipment {
  token: string;
  apnsId: string;
  collapseId: string;
  pushType: 'alert' | 'background' | 'liveactivity';
  priority: number;
  /** Seconds since 1970. */
  expiry: number;
  /** JSON. */
  payload: string;
}

/** What of node-apn's client is worked with beyond its types. */
interface ApnClient {
  session?: ClientHttp2Session;
  config: { address: string };
  /** Makes `session`; resolves before it is connected. */
  connect: () => Promise<void>;
}

interface Open {
  shipment: Shipment;
  topic: string;
  startedAt: number;
  stream: ClientHttp2Stream | null;
  answer: (answer: Answer) => void;
}

/** Milliseconds without a word after which a push is given up. */
const ANSWER_MS = 20_000;
const SCAN_MS = 5_000;

/**
 * One connection to a push service. node-apn makes it and keeps it; the streams on it are opened here, since what the service answers is
 * read from them: node-apn looks for `Retry-After` under a name that Node writes in lower case, drops it in any case, and forgets a status
 * when its connection is closing.
 */
export class ApnsConnection {
  readonly #provider: apn.Provider;
  readonly #client: ApnClient;
  readonly #token: ProviderToken;
  readonly #clock: Clock;
  readonly #scan: Timer;
  readonly #open = new Set<Open>();
  #heardAt = -Infinity;

  constructor(endpoint: Endpoint, token: ProviderToken, signing: { key: string; keyId: string; teamId: string }, clock: Clock) {
    const { production, host, port, ca } = endpoint;
    const options = {
      // It starts with no less; the token that it makes of it is never sent.
      token: signing,
      production,
      connectionRetryLimit: 0,
      // Until its settings are there: Apple takes one stream at a time before it has seen a token.
      peerMaxConcurrentStreams: 1,
      ...(host === undefined ? {} : { address: host }),
      ...(port === undefined ? {} : { port }),
      ...(ca === undefined ? {} : { ca: [ca] }),
    };
    this.#provider = new apn.Provider(options);
    this.#clock = clock;
    this.#token = token;
    this.#client = (this.#provider as unknown as { client: ApnClient }).client;
    this.#scan = clock.every(SCAN_MS, () => this.#giveUp());
  }

  /** Sends one to an app (its bundle id, or a topic made from that) and gives what the service said. Never rejects. */
  send(shipment: Shipment, topic: string): Promise<Answer> {
    return new Promise((resolve) => {
      const answer = (said: Answer): void => {
        if (this.#open.delete(open)) resolve(said);
      };
      const open: Open = { shipment, topic, startedAt: this.#clock.monotonic(), stream: null, answer };
      this.#open.add(open);
      if (this.#isUsable()) this.#request(open);
      else
        this.#client.connect().then(
          () => this.#request(open),
          (error: unknown) => answer(noAnswer(reasonOf(error))),
        );
    });
  }

  /** Ends the connection; what is under way gets no answer. */
  close(): void {
    this.#scan.cancel();
    this.#client.session?.destroy();
    void this.#provider.shutdown();
    for (const { answer } of [...this.#open]) answer(noAnswer('Shutdown'));
  }

  #isUsable(): boolean {
    const { session } = this.#client;
    return session !== undefined && !session.closed && !session.destroyed;
  }

  /** Opens a stream for one that has no answer yet. */
  #request(open: Open): void {
    const { session } = this.#client;
    if (!this.#open.has(open)) return;
    const token = this.#token.current();
    let stream: ClientHttp2Stream;
    try {
      if (session === undefined) return open.answer(noAnswer('NoAnswer'));
      stream = session.request(headersOf(open, this.#client.config.address, `bearer ${token}`));
    } catch (error) {
      // It has closed in the meantime.
      return open.answer(noAnswer(reasonOf(error)));
    }
    open.stream = stream;
    let head: IncomingHttpHeaders | undefined;
    let body = '';
    let trouble: unknown;
    stream.on('response', (headers) => {
      head = headers;
      if (headers[':status'] === 200) stream.resume();
      else stream.setEncoding('utf8').on('data', (text: string) => (body += text));
    });
    stream.on('error', (error: unknown) => (trouble = error));
    stream.on('close', () => {
      if (head === undefined) {
        return open.answer(noAnswer(stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? REFUSED : reasonOf(trouble)));
      }
      this.#heardAt = this.#clock.monotonic();
      const answer = answerOf(head, body);
      if (answer.reason === 'ExpiredProviderToken') this.#token.refused(token);
      open.answer(answer);
    });
    stream.end(open.shipment.payload);
  }

  /** A connection that says nothing at all for so long is dead, whatever TCP believes: the next push opens another. */
  #giveUp(): void {
    const now = this.#clock.monotonic();
    for (const { startedAt, stream, answer } of [...this.#open]) {
      if (now - startedAt < ANSWER_MS) continue;
      if (this.#heardAt < startedAt) this.#client.session?.destroy();
      answer(noAnswer('Timeout'));
      stream?.close(constants.NGHTTP2_CANCEL);
    }
  }
}

function headersOf({ shipment, topic }: Open, authority: string, authorization: string): OutgoingHttpHeaders {
  return {
    ':scheme': 'https',
    ':method': 'POST',
    ':authority': authority,
    ':path': `/3/device/${shipment.token}`,
    authorization,
    'apns-id': shipment.apnsId,
    'apns-topic': topic,
    'apns-push-type': shipment.pushType,
    'apns-priority': shipment.priority,
    'apns-expiration': shipment.expiry,
    'apns-collapse-id': shipment.collapseId,
  };
}

function answerOf(head: IncomingHttpHeaders, body: string): Answer {
  const status = Number(head[':status']);
  const said = body === '' ? {} : parsed(body);
  return {
    status,
    reason: typeof said['reason'] === 'string' ? said['reason'].slice(0, 100) : `Status${status}`,
    timestamp: typeof said['timestamp'] === 'number' ? said['timestamp'] : null,
    retryAfter: head['retry-after'] ?? null,
  };
}

function parsed(body: string): Record<string, unknown> {
  try {
    return (JSON.parse(body) as Record<string, unknown> | null) ?? {};
  } catch {
    return {};
  }
}

/** A short name for what went wrong on the way, such as ECONNREFUSED: the innermost one says most. */
function reasonOf(error: unknown): string {
  let reason = 'NoAnswer';
  for (let at = error; at instanceof Error; at = (at as { jse_cause?: unknown }).jse_cause ?? at.cause) {
    reason = systemCode(at) ?? reason;
  }
  return reason;
}
