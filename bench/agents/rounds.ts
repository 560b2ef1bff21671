import { setTimeout as sleep } from 'node:timers/promises';
import type { ActiveView } from '../../server/contracts/views.ts';
import { markedPids } from '../../test/support/live-processes.ts';
import { Cleanup } from '../cleanup.ts';
import { ThroughUs } from '../through-us.ts';
import { firstTokenMs } from '../timed-answer.ts';
import { stopSession, TEXT, type AgentStage } from './agent-stage.ts';
import { BareAgent } from './bare-agent.ts';
import { treeFigures, type TreeFigures } from './process-tree.ts';

/** How often everything is done. */
export interface Rounds {
  /** New processes of each kind on each side. */
  rounds: number;
  /** Messages to each live process that are measured. */
  messages: number;
  /** Quiet before the memory of an idle process is read, in milliseconds. */
  idleMs: number;
}

export interface Side {
  /** Milliseconds from the start of a new process until it takes messages. */
  start: number[];
  /** Milliseconds from the start of a new process to the first token of its first message. */
  cold: number[];
  /** Milliseconds from a further message to its first token. */
  warm: number[];
  /** Idle, after one turn. */
  idle: TreeFigures[];
  /** What the server tells of its memory, in MiB. */
  told: number[];
}

export type Sides = Record<'us' | 'bare', Side>;

/** Not measured, after the process's first one. */
const WARM_UP = 2;
const PAUSE_MS = 20;
/** After the end of processes: what they leave to do is done. */
const QUIET_MS = 300;
/** An agent that says nothing for so long is given up. */
const PATIENCE_MS = 120_000;

/** Both sides in turns, each first as often as the other, after a round that counts for nothing. */
export async function measureRounds(stage: AgentStage, { rounds, messages, idleMs }: Rounds): Promise<Sides> {
  const side = (): Side => ({ start: [], cold: [], warm: [], idle: [], told: [] });
  await round(stage, { us: side(), bare: side() }, { messages: 0, idleMs: 0, usFirst: true });
  const sides = { us: side(), bare: side() };
  for (let at = 0; at < rounds; at++) await round(stage, sides, { messages, idleMs, usFirst: at % 2 === 0 });
  return sides;
}

interface RoundOptions {
  messages: number;
  idleMs: number;
  usFirst: boolean;
}

async function round(stage: AgentStage, sides: Sides, options: RoundOptions): Promise<void> {
  const order = options.usFirst ? (['us', 'bare'] as const) : (['bare', 'us'] as const);
  for (const way of order) {
    sides[way].cold.push(await patiently(way === 'us' ? coldThroughUs(stage) : coldBare(stage)));
    await sleep(QUIET_MS);
  }
  await live(stage, sides, order, options);
  await sleep(QUIET_MS);
}

/** A new process on each side, and one conversation with each. */
async function live(stage: AgentStage, sides: Sides, order: readonly ('us' | 'bare')[], { messages, idleMs }: RoundOptions): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const open = { us: () => openThroughUs(stage, sides.us, cleanup), bare: () => openBare(stage, sides.bare, cleanup) };
    const first = await patiently(open[order[0] ?? 'us']());
    await sleep(QUIET_MS);
    const second = await patiently(open[order[1] ?? 'bare']());
    const both = [first, second] as const;
    for (const { send } of both) await patiently(send());
    await sleep(idleMs);
    for (const { idle } of both) await idle();
    for (let message = -WARM_UP; message < messages; message++) {
      for (const { side, send } of message % 2 === 0 ? both : both.toReversed()) {
        const time = await patiently(send());
        if (message >= 0) side.warm.push(time);
        await sleep(PAUSE_MS);
      }
    }
  } finally {
    await cleanup.run();
  }
}

interface Live {
  side: Side;
  /** Milliseconds to the first token of one more message. */
  send: () => Promise<number>;
  /** Takes its figures. */
  idle: () => Promise<void>;
}

/** From sending `POST /api/sessions` until `session.ready` is at the client. */
async function openThroughUs(stage: AgentStage, side: Side, cleanup: Cleanup): Promise<Live> {
  const { holdfast, agent } = stage;
  const startedAt = performance.now();
  const client = await ThroughUs.open(holdfast, cleanup, { agent, way: 'socket' });
  cleanup.add(() => stopSession(stage, client.sessionId));
  await client.ready;
  side.start.push(performance.now() - startedAt);
  const idle = async (): Promise<void> => {
    side.idle.push(treeFigures(markedPids(holdfast).keys()));
    const { body } = await holdfast.client.call<ActiveView>('GET', '/api/sessions/active');
    side.told.push(body.memory.usedMb);
  };
  return { side, send: async () => firstTokenMs(await client.send(TEXT)), idle };
}

/** From spawn until it has answered what comes before the first message. */
async function openBare({ bare }: AgentStage, side: Side, cleanup: Cleanup): Promise<Live> {
  const agent = new BareAgent(bare, cleanup);
  await agent.ready;
  side.start.push(performance.now() - agent.startedAt);
  const idle = async (): Promise<void> => void side.idle.push(treeFigures([agent.pid]));
  return { side, send: async () => firstTokenMs(await agent.send(TEXT)), idle };
}

/** A new conversation and its message at once: from `POST /api/sessions` to the first text of the streamed `POST /api/chat`. */
async function coldThroughUs(stage: AgentStage): Promise<number> {
  const { client, project } = stage.holdfast;
  const startedAt = performance.now();
  const { body } = await client.call<{ sessionId: string }>('POST', '/api/sessions', { projectPath: project, agent: stage.agent });
  const message = { method: 'POST', body: JSON.stringify({ sessionId: body.sessionId, message: TEXT }) };
  let first: number | undefined;
  for await (const event of client.stream('/api/chat', message)) if (event.kind === 'text') first ??= performance.now() - startedAt;
  await stopSession(stage, body.sessionId);
  if (first === undefined) throw new Error('The answer had no text.');
  return first;
}

async function coldBare({ bare }: AgentStage): Promise<number> {
  const cleanup = new Cleanup();
  try {
    const agent = new BareAgent(bare, cleanup);
    const { deltas } = await agent.send(TEXT);
    return (deltas[0]?.at ?? NaN) - agent.startedAt;
  } finally {
    await cleanup.run();
  }
}

/** Rejects when it takes far too long. */
async function patiently<T>(work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const limit = sleep(PATIENCE_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`The agent said nothing for ${PATIENCE_MS / 1_000} s.`);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    limit.catch(() => undefined);
    late.abort();
  }
}
