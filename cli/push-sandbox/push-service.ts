import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../server/platform/clock.ts';
import type { Connection } from './connection.ts';
import type { Devices } from './devices.ts';
import { checkPayload } from './payload.ts';
import type { ProviderTokens } from './provider-tokens.ts';
import { headerOf, isApnsId, readHeaders, type PushHeaders } from './push-headers.ts';
import type { PushLog } from './push-log.ts';
import type { Outcome, PushRecord } from './push-record.ts';
import { readBody, type Reading } from './reading.ts';
import { refuse, type Refusal } from './reasons.ts';
import { scriptedRefusal, type Script, type ScriptedAction } from './script.ts';

/** What the service is made of. */
export interface ServiceParts {
  clock: Clock;
  log: PushLog;
  tokens: ProviderTokens;
  devices: Devices;
  script: Script;
  /** How long a body may take to come, in milliseconds. */
  idleMs: number;
  /** Called whenever the outcome of a push is known. */
  settled: (record: PushRecord) => void;
}

/** A push on its way through the service. */
interface Push {
  record: PushRecord;
  stream: ServerHttp2Stream;
  connection: Connection;
}

const MOST_HEADER_CHARS = 256;

/** Decides about pushes, by Apple's rules and then by the script, and writes down what became of each. */
export class PushService {
  readonly #parts: ServiceParts;
  /** Pushes without an outcome, each with the timer that it waits for. */
  readonly #waiting = new Map<Push, Timer | null>();
  #closing = false;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  /** Takes a new stream. */
  receive(connection: Connection, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    const push: Push = { record: this.#recordOf(connection, stream, headers), stream, connection };
    this.#parts.log.add(push.record);
    this.#waiting.set(push, null);
    stream.on('error', () => undefined);
    stream.once('close', () => this.#settle(push, { kind: 'gone' }));
    if (this.#closing) return this.#refuse(push, refuse('Shutdown', 'The sandbox is ending.'));
    // In the order of the streams, whenever their bodies come: which token is the newer one depends on it.
    const read = this.#checkHeaders(push, headers, rawHeaders);
    readBody(stream, this.#parts.clock, this.#parts.idleMs, (reading) => this.#decide(push, read, reading));
  }

  /** Refuses everything from now on, and what is waiting at once. */
  shutDown(): void {
    this.#closing = true;
    for (const push of [...this.#waiting.keys()]) this.#refuse(push, refuse('Shutdown', 'The sandbox is ending.'));
  }

  #recordOf(connection: Connection, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): PushRecord {
    const sentId = headerOf(headers, 'apns-id');
    const sent = Object.keys(headers).filter((name) => name.startsWith('apns-'));
    return {
      n: this.#parts.log.next(),
      at: this.#parts.clock.now(),
      connection: connection.number,
      stream: stream.id ?? 0,
      token: tokenIn(headers[':path'] ?? '')?.slice(0, MOST_HEADER_CHARS) ?? '',
      apnsId: sentId !== undefined && isApnsId(sentId) ? sentId : randomUUID(),
      topic: null,
      pushType: null,
      priority: null,
      expiration: null,
      collapseId: null,
      providerToken: null,
      headers: Object.fromEntries(sent.map((name) => [name, headerOf(headers, name)?.slice(0, MOST_HEADER_CHARS) ?? ''])),
      body: '',
      bytes: 0,
      outcome: { kind: 'waiting' },
    };
  }

  #checkHeaders({ record, connection }: Push, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): PushHeaders | Refusal {
    if (headers[':method'] !== 'POST') return refuse('MethodNotAllowed', `${headers[':method']} is not POST.`);
    const token = tokenIn(headers[':path'] ?? '');
    if (token === undefined) return refuse('BadPath', 'The path is not /3/device/<device token>.');
    if (token === '') return refuse('MissingDeviceToken', 'There is no device token in the path.');
    const check = this.#parts.tokens.check(headers.authorization, connection.use);
    record.providerToken = check.id;
    if (!check.ok) return check.refusal;
    connection.trust();
    const read = readHeaders(headers, rawHeaders);
    if (!('reason' in read)) Object.assign(record, read);
    return read;
  }

  #decide(push: Push, read: PushHeaders | Refusal, reading: Reading): void {
    const { record, stream, connection } = push;
    if (reading.kind === 'whole') Object.assign(record, { body: reading.body.toString('utf8'), bytes: reading.body.length });
    if (reading.kind === 'too-large') record.bytes = reading.bytes;
    if (connection.leftBehind(stream)) return;
    if ('reason' in read) return this.#refuse(push, read);
    if (reading.kind === 'idle') return this.#refuse(push, refuse('IdleTimeout', 'The payload did not come in time.'));
    if (reading.kind === 'too-large') return this.#refuse(push, refuse('PayloadTooLarge', 'The payload is far too large.'));
    const refusal = checkPayload(reading.body, read) ?? this.#parts.devices.check(record.token, read);
    if (refusal) return this.#refuse(push, refusal);
    const action = this.#parts.script.next(record.token, read) ?? { do: 'accept' };
    if (action.delayMs === undefined) return this.#act(push, action);
    this.#waiting.set(
      push,
      this.#parts.clock.after(action.delayMs, () => this.#act(push, action)),
    );
  }

  #act(push: Push, action: ScriptedAction): void {
    const { record, stream, connection } = push;
    if (stream.destroyed || connection.leftBehind(stream)) return;
    switch (action.do) {
      case 'accept':
        return this.#accept(push);
      case 'refuse':
        return this.#refuse(push, scriptedRefusal(action, this.#parts.clock.now()), true);
      case 'goaway':
        this.#accept(push);
        return connection.goAway(action.inFlight, 'Shutdown', record.stream);
      case 'cut':
        this.#settle(push, { kind: 'broken', how: 'cut', taken: action.taken });
        return connection.cut();
      case 'reset':
        this.#settle(push, { kind: 'broken', how: 'reset', taken: action.taken });
        return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      case 'silence':
        return this.#settle(push, { kind: 'broken', how: 'silence', taken: action.taken });
    }
  }

  #accept(push: Push): void {
    this.#settle(push, { kind: 'accepted' });
    const { apnsId } = push.record;
    // The second id is what Apple's development environment adds.
    push.connection.answered(push.stream);
    push.stream.respond({ ':status': 200, 'apns-id': apnsId, 'apns-unique-id': randomUUID() }, { endStream: true });
  }

  #refuse(push: Push, refusal: Refusal, scripted = false): void {
    const { record, stream, connection } = push;
    this.#settle(push, { kind: 'refused', scripted, ...refusal });
    if (stream.destroyed || stream.headersSent) return;
    connection.answered(stream);
    const { status, reason, timestamp, retryAfter } = refusal;
    const head = { ':status': status, 'apns-id': record.apnsId, 'content-type': 'application/json' };
    stream.respond({ ...head, ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) });
    stream.end(JSON.stringify({ reason, ...(timestamp === undefined ? {} : { timestamp }) }));
    // A body that is still coming is not waited for.
    if (!stream.readableEnded) stream.resume().once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  #settle(push: Push, outcome: Outcome): void {
    if (push.record.outcome.kind !== 'waiting') return;
    push.record.outcome = outcome;
    this.#waiting.get(push)?.cancel();
    this.#waiting.delete(push);
    this.#parts.log.count(push.record);
    this.#parts.settled(push.record);
  }
}

/** The device token in a path; undefined where the path is another one. */
function tokenIn(path: string): string | undefined {
  return /^\/3\/device(?:\/([^/?#]*))?$/.exec(path)?.[1] ?? (path === '/3/device' ? '' : undefined);
}
