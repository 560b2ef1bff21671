import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DataOf } from './contracts/events.ts';
import { ExitReason } from './contracts/events.ts';
import { PushOutcome, type DurationView, type SessionMetricsView } from './contracts/metrics-views.ts';
import { FinalTurnState, SessionState } from './contracts/state.ts';
import type { StoredEvent } from './events/stored-event.ts';
import { isoTime } from './platform/clock.ts';
import { Metrics, type Durations, type Gauged } from './platform/metrics.ts';
import { RecentRate } from './platform/recent-rate.ts';
import { residentMb } from './process/memory.ts';
import { members } from './process/members.ts';
import { readTable } from './process/process-table.ts';
import { isFailure } from './sessions/lifecycle/restart-policy.ts';
import type { SessionContext } from './sessions/context.ts';
import type { InteractiveSessionPool } from './sessions/pool/pool.ts';

const CHANNELS = ['session', 'turn', 'agent', 'terminal'] as const;

/** The server's figures: what happened is counted from the event log, the rest is measured when somebody asks. */
export class Figures {
  readonly #context: SessionContext;
  readonly #pool: InteractiveSessionPool;
  readonly #metrics = new Metrics({
    outcomes: FinalTurnState.options,
    reasons: ExitReason.options,
    channels: CHANNELS,
    pushes: PushOutcome.options,
  });
  readonly #rates: Record<(typeof CHANNELS)[number], RecentRate>;
  readonly #startedAt: number;
  #push: { queued: () => number } = { queued: () => 0 };

  constructor(context: SessionContext, pool: InteractiveSessionPool) {
    const { clock } = context;
    this.#context = context;
    this.#pool = pool;
    this.#startedAt = clock.monotonic();
    this.#rates = {
      session: new RecentRate(clock),
      turn: new RecentRate(clock),
      agent: new RecentRate(clock),
      terminal: new RecentRate(clock),
    };
    context.log.subscribeAll((events) => this.#count(events));
  }

  /** Whose queue is measured, too. */
  watch(push: { queued: () => number }): void {
    this.#push = push;
  }

  pushEnded(outcome: PushOutcome): void {
    this.#metrics.pushEnded(outcome);
  }

  get contentType(): string {
    return this.#metrics.contentType;
  }

  /** All figures in Prometheus' text format. */
  async text(): Promise<string> {
    this.#metrics.gauge(this.#measure());
    return this.#metrics.text();
  }

  /** The same figures for people and programs. */
  async view(): Promise<SessionMetricsView> {
    const now = this.#measure();
    const [counts, durations] = await Promise.all([this.#metrics.counts(), this.#metrics.durations()]);
    const { clock } = this.#context;
    return {
      at: isoTime(clock.now()),
      uptimeSeconds: Math.round((clock.monotonic() - this.#startedAt) / 100) / 10,
      sessions: {
        byState: now.sessionsByState as SessionMetricsView['sessions']['byState'],
        ...{ live: now.live, waiting: now.waiting, max: now.max, effectiveMax: now.effectiveMax },
      },
      turns: {
        ended: every(FinalTurnState.options, (state) => counts.turns[state] ?? 0),
        firstToken: inMilliseconds(durations.firstToken),
        duration: inMilliseconds(durations.duration),
      },
      processes: {
        starts: { fresh: counts.starts['fresh'] ?? 0, resumed: counts.starts['resumed'] ?? 0 },
        restarts: counts.restarts[''] ?? 0,
        hibernations: counts.hibernations[''] ?? 0,
        exits: every(ExitReason.options, (reason) => counts.exits[reason] ?? 0),
      },
      queues: { messages: now.queuedMessages, starts: now.queuedStarts, pushes: now.queuedPushes },
      pushes: every(PushOutcome.options, (outcome) => counts.pushes[outcome] ?? 0),
      memory: {
        serverMb: round(now.serverMb),
        agentsMb: Object.fromEntries(Object.entries(now.agentsMb).map(([agent, mb]) => [agent, round(mb)])),
      },
      events: {
        total: every(CHANNELS, (channel) => counts.events[channel] ?? 0),
        perSecond: every(CHANNELS, (channel) => round(this.#rates[channel].perSecond)),
      },
      tail: { lagBytes: now.lagBytes, mostLagBytes: now.mostLagBytes },
    };
  }

  #count(events: readonly StoredEvent[]): void {
    for (const channel of CHANNELS) {
      const count = events.filter((event) => event.channel === channel).length;
      if (count === 0) continue;
      this.#metrics.eventsLogged(channel, count);
      this.#rates[channel].add(count);
    }
    for (const event of events) this.#countOne(event);
  }

  #countOne(event: StoredEvent): void {
    switch (event.kind) {
      case 'session.starting': {
        const { resumed } = JSON.parse(event.data) as DataOf<'session.starting'>;
        this.#metrics.processStarted(resumed ? 'resumed' : 'fresh');
        const before = this.#context.store.sessions.byId(event.sessionId)?.last_exit;
        if (before && isFailure((JSON.parse(before) as { reason: ExitReason }).reason)) this.#metrics.processRestarted();
        return;
      }
      case 'session.exited':
        return this.#metrics.processExited((JSON.parse(event.data) as DataOf<'session.exited'>).reason);
      case 'turn.completed': {
        const { durationMs, firstTokenMs } = JSON.parse(event.data) as DataOf<'turn.completed'>;
        this.#metrics.turnTook(durationMs, firstTokenMs);
        return this.#metrics.turnEnded('completed');
      }
      case 'turn.failed':
      case 'turn.cancelled':
      case 'turn.interrupted':
        return this.#metrics.turnEnded(event.kind.slice('turn.'.length));
    }
  }

  #measure(): Gauged {
    const { store, starts, agents } = this.#context;
    const { live } = this.#pool;
    const inState = store.sessions.countByState();
    const table = live.length === 0 ? new Map() : readTable();
    const agentsMb = every([...agents.keys()], () => 0);
    let [lagBytes, mostLagBytes] = [0, 0];
    for (const { incarnation, num } of live) {
      if (!incarnation) continue;
      const { agent, wrapper, mark, driver } = incarnation;
      // A driver may speak for several agents.
      const name = store.sessions.byNum(num)?.agent ?? driver.agent;
      const resident = residentMb(members({ groupId: wrapper?.pid ?? null, agent, wrapper, mark }, table));
      agentsMb[name] = (agentsMb[name] ?? 0) + resident;
      const printed = statSync(join(incarnation.folder, 'out'), { throwIfNoEntry: false })?.size ?? 0;
      const lag = Math.max(0, printed - incarnation.outOffset);
      lagBytes += lag;
      mostLagBytes = Math.max(mostLagBytes, lag);
    }
    const inAgents = live.filter(({ turn }) => turn !== null).length;
    return {
      sessionsByState: every(SessionState.options, (state) => inState.get(state) ?? 0),
      live: live.length,
      waiting: this.#pool.waiting,
      max: this.#pool.max,
      effectiveMax: this.#pool.effectiveMax,
      queuedMessages: Math.max(0, store.turns.openTotal() - inAgents),
      queuedStarts: starts.size + starts.pending,
      queuedPushes: this.#push.queued(),
      agentsMb,
      serverMb: process.memoryUsage.rss() / 1024 / 1024,
      lagBytes,
      mostLagBytes,
    };
  }
}

function every<K extends string, V>(names: readonly K[], valueOf: (name: K) => V): Record<K, V> {
  return Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<K, V>;
}

function inMilliseconds({ count, average, p50, p95 }: Durations): DurationView {
  const ms = (seconds: number | null): number | null => (seconds === null ? null : round(seconds * 1_000));
  return { count, averageMs: ms(average), p50Ms: ms(p50), p95Ms: ms(p95) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
