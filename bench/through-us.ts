import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { WebSocket } from 'ws';
import { turnEndings, type EventView } from '../server/contracts/events.ts';
import { TOKEN, type Holdfast } from '../test/support/holdfast.ts';
import type { Cleanup } from './cleanup.ts';
import type { TimedAnswer } from './timed-answer.ts';

interface Frame {
  type: string;
  payload: EventView;
}

const ENDED: ReadonlySet<string> = new Set(turnEndings);
const headers = { authorization: `Bearer ${TOKEN}` };

/** How messages go in: by POST /api/chat on a kept connection, or by `session.send` over the open WebSocket. */
export type Way = 'post' | 'socket';

/** A companion app: messages go in by either way, events come over the session's WebSocket. */
export class ThroughUs {
  readonly sessionId: string;
  readonly #url: string;
  readonly #way: Way;
  readonly #socket: WebSocket;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #ready = Promise.withResolvers<void>();
  #turnId = '';
  #answer: TimedAnswer = { sentAt: 0, deltas: [] };
  #settle: (outcome: EventView) => void = () => undefined;

  private constructor(url: string, sessionId: string, socket: WebSocket, way: Way) {
    this.#url = url;
    this.#way = way;
    this.#socket = socket;
    this.sessionId = sessionId;
    socket.on('message', (bytes: Buffer) => this.#read(JSON.parse(bytes.toString('utf8')) as Frame));
  }

  /** Makes a session in the server's project folder and attaches to it, which starts its agent. */
  static async open(
    holdfast: Holdfast,
    cleanup: Cleanup,
    { agent = 'claude', way = 'post' }: { agent?: string; way?: Way } = {},
  ): Promise<ThroughUs> {
    const { body } = await holdfast.client.call<{ sessionId: string }>('POST', '/api/sessions', { projectPath: holdfast.project, agent });
    const socket = new WebSocket(`${holdfast.url.replace('http', 'ws')}/api/sessions/${body.sessionId}/stream?after=0`, { headers });
    cleanup.add(() => socket.terminate());
    const client = new ThroughUs(holdfast.url, body.sessionId, socket, way);
    cleanup.add(() => client.#agent.destroy());
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return client;
  }

  /** Resolves when the client has heard that the agent takes messages. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Sends a message; resolves with its timed answer when the turn has ended. Rejects when it did not complete. */
  async send(text: string): Promise<TimedAnswer> {
    this.#turnId = randomUUID();
    const ended = new Promise<EventView>((resolve) => (this.#settle = resolve));
    const message = { sessionId: this.sessionId, messageId: this.#turnId, message: text };
    const answer: TimedAnswer = { sentAt: performance.now(), deltas: [] };
    this.#answer = answer;
    if (this.#way === 'socket') this.#socket.send(JSON.stringify({ type: 'session.send', requestId: this.#turnId, payload: message }));
    else await this.#post(JSON.stringify(message));
    const outcome = await ended;
    if (outcome.kind !== 'turn.completed') throw new Error(`The turn ended as ${outcome.kind}: ${JSON.stringify(outcome.data)}`);
    return answer;
  }

  #read({ type, payload }: Frame): void {
    if (type === 'event' && payload.kind === 'session.ready') this.#ready.resolve();
    if (type !== 'event' || payload.turnId !== this.#turnId) return;
    if (payload.kind === 'text') this.#answer.deltas.push({ at: performance.now(), text: payload.data.delta });
    if (ENDED.has(payload.kind)) this.#settle(payload);
  }

  #post(body: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const options = {
        method: 'POST',
        agent: this.#agent,
        headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      };
      const sent = request(`${this.#url}/api/chat`, options, (response) => {
        response.resume();
        if (response.statusCode === 202) response.once('end', resolve);
        else reject(new Error(`POST /api/chat answered ${response.statusCode}.`));
      });
      sent.once('error', reject).end(body);
    });
  }
}
