import type { SessionsPage } from '../../server/contracts/views.ts';
import { eventually } from '../../test/support/eventually.ts';
import type { Holdfast } from '../../test/support/holdfast.ts';
import { TestSocket } from '../../test/support/socket.ts';

const UNDER_WAY = new Set(['starting', 'working', 'waiting', 'stopping']);

/** What a companion app does in a day. It stays connected for its list of sessions, and comes and goes for each conversation. */
export class Phone {
  readonly #holdfast: Holdfast;
  #list: TestSocket;
  /** How far it has seen each session. */
  readonly #cursors = new Map<string, number>();

  private constructor(holdfast: Holdfast, list: TestSocket) {
    this.#holdfast = holdfast;
    this.#list = list;
  }

  static async connect(holdfast: Holdfast): Promise<Phone> {
    return new Phone(holdfast, await TestSocket.open(holdfast.url, '/ws'));
  }

  /** Opens a session, which wakes it, sends a message, follows the answer to its end, and leaves. */
  async talk(sessionId: string, message: string): Promise<void> {
    const after = this.#cursors.get(sessionId) ?? 0;
    const socket = await TestSocket.open(this.#holdfast.url, `/api/sessions/${sessionId}/stream?after=${after}`);
    const { type, payload } = await socket.request('session.send', { sessionId, message });
    if (type !== 'result') throw new Error(`The message was not taken on: ${JSON.stringify(payload)}`);
    const { messageId } = payload as { messageId: string };
    const end = await socket.next((frame) => frame.payload['turnId'] === messageId && frame.payload['kind'] === 'turn.completed');
    this.#cursors.set(sessionId, end.payload['seq'] as number);
    await socket.close();
  }

  /** Keeps a session for another day, and asks what has happened in it. */
  async keep(sessionId: string): Promise<void> {
    const { status } = await this.#holdfast.client.call('POST', '/api/sessions/keep-alive', { sessionId, action: 'recap' });
    if (status !== 200) throw new Error(`POST /api/sessions/keep-alive answered ${status}.`);
  }

  /** Waits until no session is on its way from one state to another, or at work. */
  async settled(): Promise<void> {
    // On a busy machine half a minute may pass before its answer to a ping arrives, and the server gives it up.
    if (this.#list.closed) this.#list = await TestSocket.open(this.#holdfast.url, '/ws');
    await eventually(async () => {
      const { sessions } = (await this.#holdfast.client.call<SessionsPage>('GET', '/api/sessions')).body;
      return sessions.every(({ state }) => !UNDER_WAY.has(state));
    });
  }

  /** How often a session has expired. */
  async expiries(sessionId: string): Promise<number> {
    const events = await this.#holdfast.client.events(sessionId);
    const exits = events.flatMap((event) => (event.kind === 'session.exited' ? [event.data.reason] : []));
    const other = exits.find((reason) => reason !== 'expired');
    if (other !== undefined) throw new Error(`Session ${sessionId} ended as ${other}.`);
    return exits.length;
  }
}
