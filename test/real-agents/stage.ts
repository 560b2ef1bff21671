import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { startModelServer, type ModelServer } from '../../cli/model/model-server.ts';
import type { EventKind, EventOf, EventView } from '../../server/contracts/events.ts';
import { AgentHome } from '../support/agent-home.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { markedPids } from '../support/live-processes.ts';
import type { RealAgent } from './agents.ts';

const ends = /^turn\.(completed|cancelled|failed|interrupted)$/;

/** A server with one real agent, which talks to a scripted model, and what a client does with them. */
export class Stage {
  readonly holdfast: Holdfast;
  readonly model: ModelServer;
  readonly #place: AgentHome;

  private constructor(holdfast: Holdfast, model: ModelServer, place: AgentHome) {
    this.holdfast = holdfast;
    this.model = model;
    this.#place = place;
  }

  /** The agent's home folder. */
  get home(): string {
    return this.#place.home;
  }

  /** The agent's home is not under the temporary folder, where some warn or refuse; what they leave in theirs goes with the home. */
  static async open(agent: RealAgent, env: Record<string, string> = {}): Promise<Stage> {
    const model = await startModelServer();
    const cache = join(homedir(), '.cache');
    mkdirSync(cache, { recursive: true });
    const place = new AgentHome(cache);
    const settings = { DEFAULT_AGENT: agent.agent, COMPACT_AFTER_SECONDS: '3600', MAX_MEMORY_PER_SESSION_MB: '2000' };
    const holdfast = await Holdfast.start({ env: { ...settings, ...agent.prepare(place.home, model.url), ...place.env, ...env } });
    return new Stage(holdfast, model, place);
  }

  async close(): Promise<void> {
    await this.holdfast.dispose();
    await this.model.close();
    await this.#place.remove();
  }

  /** kill -9 of the server, and a new one. */
  async restart(): Promise<void> {
    await this.holdfast.kill();
    await this.holdfast.start();
  }

  /** A message in the project, or in its session; resolves when it was taken. */
  async send(message: string, sessionId?: string): Promise<{ sessionId: string; messageId: string; cursor: number }> {
    const where = sessionId === undefined ? { projectPath: this.holdfast.project, mode: 'ask' } : { sessionId };
    const { status, body } = await this.holdfast.client.send({ message, ...where });
    if (status !== 202 && status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** A message and the end of its turn. */
  async ask(message: string, sessionId?: string, seconds = 60): Promise<{ sessionId: string; end: EventView }> {
    const sent = await this.send(message, sessionId);
    return { sessionId: sent.sessionId, end: await this.end(sent, seconds) };
  }

  /** The text that answers a message; rejects where it was not answered. */
  async answer(message: string, sessionId?: string): Promise<{ sessionId: string; text: string }> {
    const { end, ...where } = await this.ask(message, sessionId);
    if (end.kind !== 'turn.completed') throw new Error(JSON.stringify(end));
    return { ...where, text: end.data.text };
  }

  /** The end of the turn of a message that was sent. */
  end(sent: { sessionId: string; messageId: string }, seconds = 60): Promise<EventView> {
    return eventually(
      async () => (await this.events(sent.sessionId)).find(({ kind, turnId }) => turnId === sent.messageId && ends.test(kind)),
      seconds,
    );
  }

  /** The first event of this kind after a cursor. */
  next<K extends EventKind>(sessionId: string, kind: K, after = 0): Promise<EventView & EventOf<K>> {
    return eventually(
      async () => (await this.events(sessionId, after)).find((event): event is EventView & EventOf<K> => event.kind === kind),
      60,
    );
  }

  events(sessionId: string, after = 0): Promise<EventView[]> {
    return this.holdfast.client.events(sessionId, after);
  }

  /** The pid of the agent's process. */
  async pid(sessionId: string): Promise<number> {
    const { pid } = await this.holdfast.client.status(sessionId);
    if (pid === undefined || pid === null) throw new Error('It has no process.');
    return pid;
  }

  async call(path: string, body: unknown = {}): Promise<void> {
    const { status, body: said } = await this.holdfast.client.call('POST', path, body);
    if (status >= 300) throw new Error(`${status}: ${JSON.stringify(said)}`);
  }

  /** Decides what an agent asks. */
  async decide(sessionId: string, approvalId: string, decision: 'allow' | 'deny' | 'allow-always'): Promise<void> {
    await this.call(`/api/sessions/${sessionId}/approvals/${approvalId}`, { decision });
  }

  /** Every live process of the agents: wrapper, tail, agent and what they started. */
  processes(): number[] {
    return [...markedPids(this.holdfast).keys()];
  }
}
