import { constants, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import apn from '@parse/node-apn';
import { systemCode } from '../../platform/app-error.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { ProviderToken } from './provider-token.ts';
import { REFUSED, type Answer } from './retry.ts';

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
  topic: string;
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
  config: { token: ProviderToken };
  session?: ClientHttp2Session;
  request: (session: Requester, address: string, built: Built, ...rest: unknown[]) => Promise<unknown>;
}
interface Requester {
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream;
}
interface Built {
  headers: Record<string, unknown>;
}

interface Open {
  startedAt: number;
  stream: ClientHttp2Stream | null;
  answer: (answer: Answer) => void;
}

/** Milliseconds without a word after which a push is given up. */
const ANSWER_MS = 20_000;
const SCAN_MS = 5_000;
const nothing = (reason: string): Answer => ({ status: null, reason, timestamp: null, retryAfter: null });

/**
 * One connection to a push service, through node-apn. What the service answers is read from the streams themselves: node-apn looks for
 * `Retry-After` under a name that Node writes in lower case, drops it in any case, and forgets a status when its connection is closing.
 */
export class ApnsConnection {
  readonly #provider: apn.Provider;
  readonly #client: ApnClient;
  readonly #clock: Clock;
  readonly #scan: Timer;
  readonly #open = new Map<string, Open>();
  #heardAt = -Infinity;

  constructor(endpoint: Endpoint, token: ProviderToken, signing: { key: string; keyId: string; teamId: string }, clock: Clock) {
    const { production, host, port, ca } = endpoint;
    const options = {
      token: signing,
      production,
      connectionRetryLimit: 0,
      requestTimeout: ANSWER_MS,
      // Until its settings are there: Apple takes one stream at a time before it has seen a token.
      peerMaxConcurrentStreams: 1,
      ...(host === undefined ? {} : { address: host }),
      ...(port === undefined ? {} : { port }),
      ...(ca === undefined ? {} : { ca: [ca] }),
    };
    this.#provider = new apn.Provider(options);
    this.#clock = clock;
    this.#client = (this.#provider as unknown as { client: ApnClient }).client;
    this.#client.config.token = token;
    const request = this.#client.request.bind(this.#client);
    this.#client.request = (session, address, built, ...rest) => request(this.#watched(session, built), address, built, ...rest);
    this.#scan = clock.every(SCAN_MS, () => this.#giveUp());
  }

  /** Sends one and gives what the service said. Never rejects. */
  send(shipment: Shipment): Promise<Answer> {
    const { apnsId } = shipment;
    return new Promise((resolve) => {
      const answer = (said: Answer): void => {
        // The same push may be under way again, after this try was given up.
        if (this.#open.get(apnsId) === entry) this.#open.delete(apnsId);
        resolve(said);
      };
      const entry: Open = { startedAt: this.#clock.monotonic(), stream: null, answer };
      this.#open.set(apnsId, entry);
      const failed = (error: unknown): void => {
        // Where there is a stream, its end says what there is to say.
        if (!entry.stream) answer(nothing(reasonOf(error)));
      };
      this.#provider.send(notificationOf(shipment), shipment.token).then(({ failed: [first] }) => failed(first?.error), failed);
    });
  }

  /** Ends the connection; what is under way gets no answer. */
  close(): void {
    this.#scan.cancel();
    this.#client.session?.destroy();
    void this.#provider.shutdown();
    for (const { answer } of [...this.#open.values()]) answer(nothing('Shutdown'));
  }

  #watched(session: Requester, built: Built): Requester {
    return {
      request: (headers) => {
        const stream = session.request(headers);
        const entry = this.#open.get(String(built.headers['apns-id']));
        if (entry) this.#watch(entry, stream);
        return stream;
      },
    };
  }

  #watch(entry: Open, stream: ClientHttp2Stream): void {
    let head: Record<string, unknown> | undefined;
    let body = '';
    let trouble: unknown;
    entry.stream = stream;
    stream.on('response', (headers) => (head = headers));
    stream.on('data', (text: unknown) => (body += String(text)));
    stream.on('error', (error: unknown) => (trouble = error));
    stream.on('close', () => {
      if (head !== undefined) this.#heardAt = this.#clock.monotonic();
      if (head !== undefined) return entry.answer(answerOf(head, body));
      entry.answer(nothing(stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? REFUSED : reasonOf(trouble)));
    });
  }

  /** A connection that says nothing at all for so long is dead, whatever TCP believes: the next push opens another. */
  #giveUp(): void {
    const now = this.#clock.monotonic();
    for (const { startedAt, answer } of [...this.#open.values()]) {
      if (now - startedAt < ANSWER_MS) continue;
      if (this.#heardAt < startedAt) this.#client.session?.destroy();
      answer(nothing('Timeout'));
    }
  }
}

function notificationOf({ topic, apnsId, collapseId, pushType, priority, expiry, payload }: Shipment): apn.Notification {
  const notification = new apn.Notification();
  const rawPayload = JSON.parse(payload) as unknown;
  return Object.assign(notification, { topic, id: apnsId, collapseId, pushType, priority, expiry, rawPayload });
}

function answerOf(head: Record<string, unknown>, body: string): Answer {
  const said = parsed(body);
  const status = Number(head[':status']);
  const retryAfter = head['retry-after'];
  return {
    status,
    reason: typeof said['reason'] === 'string' ? said['reason'].slice(0, 100) : `Status${status}`,
    timestamp: typeof said['timestamp'] === 'number' ? said['timestamp'] : null,
    retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
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
