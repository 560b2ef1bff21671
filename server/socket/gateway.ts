import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { DoorSettings } from '../auth/doors.ts';
import { checkHost, checkOrigin, checkToken } from '../auth/doors.ts';
import type { Tickets } from '../auth/tickets.ts';
import type { TokenCheck } from '../auth/token.ts';
import { queryNumber } from '../contracts/fields.ts';
import { parse } from '../contracts/validate.ts';
import { AppError } from '../platform/app-error.ts';
import { problemOf } from '../platform/problem.ts';
import { z } from 'zod';
import { Connection, type ConnectionParts } from './connection.ts';

export interface GatewayParts extends ConnectionParts {
  tokens: TokenCheck;
  tickets: Tickets;
  doors: DoorSettings;
  /** Largest frame, in bytes. */
  maxFrameBytes: number;
  /** The token may stand in the address of /ws (ALLOW_TOKEN_IN_URL). */
  tokenInUrl: boolean;
}

/** More sockets than any household has devices. */
const MAX_CONNECTIONS = 1_000;
const PING_MS = 30_000;
const After = z.object({ after: queryNumber(0, Number.MAX_SAFE_INTEGER).default(0) });

/** Opens WebSockets at /ws and /api/sessions/:id/stream, after the same doors as HTTP. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<Connection>();
  readonly #stopPinging: () => void;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    // Compression would cost 250 kB a socket.
    this.#sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: parts.maxFrameBytes });
    const timer = parts.clock.every(PING_MS, () => this.#ping());
    this.#stopPinging = () => timer.cancel();
  }

  /** Open connections. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes the upgrades of a server. */
  listen(server: Server): void {
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      try {
        this.#upgrade(request, socket, head);
      } catch (error) {
        refuse(socket, error);
      }
    });
  }

  /** Says goodbye to everyone. */
  close(): void {
    this.#stopPinging();
    for (const connection of this.#connections) connection.close(1001, 'The server is stopping.');
    this.#sockets.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { doors } = this.#parts;
    checkHost(request, doors);
    // A target such as // is no URL: it leads nowhere, but the doors come first.
    const url = URL.parse(request.url ?? '/', 'http://localhost') ?? new URL('http://localhost/');
    const owner = this.#ownerOf(request, url);
    checkOrigin(request, doors);
    if (this.#connections.size >= MAX_CONNECTIONS) throw new AppError('rate-limited', 'Too many open sockets.', { retryAfter: 10 });
    const sessionId = sessionOf(url.pathname);
    const { after } = parse(After, Object.fromEntries(url.searchParams), 'query');
    if (sessionId !== null) this.#parts.api.commands.find(owner, sessionId);
    this.#sockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      const connection = new Connection(this.#parts, webSocket, owner, sessionId);
      this.#connections.add(connection);
      webSocket.once('close', () => this.#connections.delete(connection));
      connection.open(after);
    });
  }

  /** Who opens a socket: by ticket, by the token in the address where that is allowed, else by the token in the header. */
  #ownerOf(request: IncomingMessage, url: URL): string {
    const { tokens, tickets, tokenInUrl } = this.#parts;
    const ticket = url.searchParams.get('ticket');
    if (ticket !== null) {
      const owner = tickets.redeem(ticket);
      if (owner === null) throw new AppError('unauthorized', 'The ticket is not valid any more; get a new one from POST /api/ws-ticket.');
      return owner;
    }
    const token = tokenInUrl && url.pathname === '/ws' ? url.searchParams.get('token') : null;
    // The published app encodes nothing, and a token has no blanks.
    const owner = token === null ? null : tokens.ownerOf(`Bearer ${token.replaceAll(' ', '+')}`);
    return owner ?? checkToken(request, tokens);
  }

  #ping(): void {
    for (const connection of this.#connections) connection.ping();
  }
}

/** The session of a stream's path; null for /ws. Throws `not-found` for any other. */
function sessionOf(path: string): string | null {
  if (path === '/ws') return null;
  const match = /^\/api\/sessions\/([^/]{1,200})\/stream$/.exec(path);
  if (!match?.[1]) throw new AppError('not-found', `There is no WebSocket at ${path}; use /ws or /api/sessions/:id/stream.`);
  return decodeURIComponent(match[1]).toLowerCase();
}

function refuse(socket: Duplex, thrown: unknown): void {
  const problem = problemOf(thrown instanceof URIError ? new AppError('not-found', 'The path is not valid.') : thrown);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
