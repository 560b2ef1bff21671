import type { RecapFacts } from '../../contracts/recap.ts';
import { runOnce } from '../../process/run-once.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { Agent, SessionContext } from '../context.ts';
import { recapPrompt } from './recap-prompt.ts';
import { MAX_RECAP_CHARS } from './recap-text.ts';
import { shorten } from '../shorten.ts';

export type Prose = { kind: 'written'; text: string } | { kind: 'unwritten'; reason: string };

/** How long an agent may take, in milliseconds, from its start to its answer. */
const TIME_LIMIT = 20_000;
/** Agents that write at the same time: each takes as much memory as a session does. */
const MOST_AT_ONCE = 2;
const MOST_OUTPUT = 1024 * 1024;

/** Lets agents write recaps in forks of their conversations: one at a time per session, within a time limit, leaving nothing behind. */
export class ProseWriter {
  readonly #context: SessionContext;
  readonly #timeLimit: number;
  /** By session. `what` names the stretch of its log that is being told. */
  readonly #writing = new Map<string, { what: string; prose: Promise<Prose> }>();
  readonly #closing = new AbortController();

  constructor(context: SessionContext, timeLimit = TIME_LIMIT) {
    this.#context = context;
    this.#timeLimit = timeLimit;
  }

  /** Who asks for the same while it is being written gets the same. Never rejects. */
  write(session: SessionRow, what: string, facts: RecapFacts, text: string): Promise<Prose> {
    const writing = this.#writing.get(session.id);
    if (writing) return writing.what === what ? writing.prose : unwritten('Another recap of this session is being written; ask again.');
    if (this.#writing.size >= MOST_AT_ONCE) return unwritten('Other recaps are being written; ask again in a moment.');
    const prose = this.#write(session, facts, text)
      .catch((error: unknown): Prose => {
        this.#context.logger.error({ error, sessionId: session.id }, 'a recap could not be written');
        return { kind: 'unwritten', reason: 'The agent could not write it.' };
      })
      .finally(() => this.#writing.delete(session.id));
    this.#writing.set(session.id, { what, prose });
    return prose;
  }

  /** Ends what is being written; resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#writing.values()].map(({ prose }) => prose));
  }

  async #write(session: SessionRow, facts: RecapFacts, text: string): Promise<Prose> {
    const agent = this.#context.agents.get(session.agent);
    if (!agent?.driver.oneShot) return unwritten(`The agent ${session.agent} cannot write recaps.`);
    if (session.resumable !== 1 || session.agent_session_id === null) return unwritten('The agent has no conversation yet.');
    const command = agent.command();
    if (command === null) return unwritten(`The agent ${session.agent} is not installed on this machine.`);
    return this.#ask(session, agent, { agentSessionId: session.agent_session_id, command }, recapPrompt(facts, text));
  }

  async #ask(session: SessionRow, agent: Agent, fork: { agentSessionId: string; command: string }, prompt: string): Promise<Prose> {
    const { clock, data, logger, newId } = this.#context;
    const { project_path: cwd, model } = session;
    const { oneShot } = agent.driver;
    if (!oneShot) return unwritten(`The agent ${session.agent} cannot write recaps.`);
    const { file, args, env } = oneShot.launch({ ...fork, projectPath: cwd, model });
    const ran = await runOnce({
      ...{ cwd, file, args, clock },
      env: { ...agent.environment(), ...env },
      mark: `${data.id}/recap-${newId()}`,
      input: prompt,
      timeoutMs: this.#timeLimit,
      maxBytes: MOST_OUTPUT,
      cancelled: this.#closing.signal,
    });
    const answer = ran.kind === 'ended' ? oneShot.read(ran.stdout) : null;
    if (answer !== null) return { kind: 'written', text: shorten(answer, MAX_RECAP_CHARS) };
    logger.info(
      { sessionId: session.id, ...(ran.kind === 'ended' ? { exitCode: ran.code, stderr: ran.stderr } : ran) },
      'no recap in prose',
    );
    if (ran.kind === 'failed' && ran.code === 'timed-out')
      return unwritten(`The agent did not write it within ${this.#timeLimit / 1_000} s.`);
    return unwritten('The agent could not write it.');
  }
}

async function unwritten(reason: string): Promise<Prose> {
  return { kind: 'unwritten', reason };
}
