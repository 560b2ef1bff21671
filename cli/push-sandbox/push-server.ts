import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../../server/platform/app-error.ts';
import type { Certificates } from './certificates.ts';
import { Connection, type ConnectionView, type InFlight } from './connection.ts';
import type { TokenUse } from './provider-tokens.ts';
import type { PushService } from './push-service.ts';

/** How connections are made and kept. */
export interface ConnectionRules {
  /** Streams that a client may have open at a time. */
  streams: number;
  /** Whether a client may have only one until it has shown a valid provider token, as Apple documents. */
  oneUntilTrusted: boolean;
  /** Where changes of the provider token are counted: on each connection, as Apple documents, or over all of them. */
  tokenUpdates: 'connection' | 'team';
}

const HOST = '127.0.0.1';
/** What is under way when the server ends gets so long, in milliseconds. */
const GRACE_MS = 500;

const freshUse = (): TokenUse => ({ current: null, changedAt: null });

/** The HTTP/2 server in front of a push service, on loopback only. */
export class PushServer {
  readonly #server: Http2SecureServer;
  readonly #service: PushService;
  readonly #log: (text: string) => void;
  readonly #rules: ConnectionRules;
  readonly #connections = new Set<Connection>();
  readonly #teamUse = freshUse();
  #made = 0;

  constructor(certificates: Certificates, service: PushService, rules: ConnectionRules, log: (text: string) => void) {
    this.#service = service;
    this.#log = log;
    this.#rules = { ...rules };
    this.#server = createSecureServer({
      cert: certificates.certificate,
      key: certificates.key,
      minVersion: 'TLSv1.2',
      settings: { maxConcurrentStreams: rules.oneUntilTrusted ? 1 : rules.streams },
    });
    // A session does not give its socket away for destroying; it is made while this event is handled.
    let socket: TLSSocket | undefined;
    this.#server.prependListener('secureConnection', (made: TLSSocket) => (socket = made));
    this.#server.on('session', (session) => socket && this.#accept(session, socket));
    this.#server.on('sessionError', (error) => log(`A connection broke: ${messageOf(error)}`));
    this.#server.on('tlsClientError', (error) => log(`A client did not finish TLS, does it trust the CA? ${messageOf(error)}`));
    this.#server.on('unknownProtocol', (stream) => {
      log('A client does not speak HTTP/2.');
      stream.destroy();
    });
  }

  /** Resolves to the port. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, HOST, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  connections(): ConnectionView[] {
    return [...this.#connections].map((connection) => connection.view);
  }

  /** Ends every connection with GOAWAY. */
  goAway(inFlight: InFlight): void {
    for (const connection of this.#connections) connection.goAway(inFlight, 'Shutdown');
  }

  /** Destroys the socket of every connection. */
  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }

  /** How many streams a connection may have at a time, for those that there are and those to come. */
  allowStreams(most: number): void {
    this.#rules.streams = most;
    for (const connection of this.#connections) connection.allowStreams(most);
    if (!this.#rules.oneUntilTrusted) this.#server.updateSettings({ maxConcurrentStreams: most });
  }

  /** Refuses what is under way, says goodbye, and frees the port. */
  async close(): Promise<void> {
    this.#service.shutDown();
    this.goAway('finish');
    // Behind our GOAWAY: closing sends one of its own, without a reason.
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.race([closed, pause(GRACE_MS, undefined, { ref: false })]);
    this.cut();
    await closed;
  }

  #accept(session: ServerHttp2Session, socket: TLSSocket): void {
    const { streams, oneUntilTrusted, tokenUpdates } = this.#rules;
    const use = tokenUpdates === 'team' ? this.#teamUse : freshUse();
    const connection = new Connection(++this.#made, session, socket, use, { told: oneUntilTrusted ? 1 : streams, trusted: streams });
    this.#connections.add(connection);
    session.once('close', () => this.#connections.delete(connection));
    session.on('error', (error) => this.#log(`Connection ${connection.number} broke: ${messageOf(error)}`));
    session.on('stream', (stream, headers, _flags, rawHeaders) => {
      connection.open(stream);
      this.#service.receive(connection, stream, headers, rawHeaders);
    });
  }
}
