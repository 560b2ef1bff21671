import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { quantile, type Distribution } from './quantile.ts';

/** Bucket bounds in seconds. A first token takes tens of milliseconds warm and half a second cold; a turn takes up to an hour. */
const FIRST_TOKEN_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const DURATION_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1_800, 3_600];

/** What is measured in the moment when somebody asks. Labels are few and known: never an id. */
export interface Gauged {
  sessionsByState: Readonly<Record<string, number>>;
  live: number;
  waiting: number;
  max: number;
  effectiveMax: number;
  queuedMessages: number;
  queuedStarts: number;
  queuedPushes: number;
  /** MiB by agent. */
  agentsMb: Readonly<Record<string, number>>;
  /** MiB of this process. */
  serverMb: number;
  lagBytes: number;
  mostLagBytes: number;
}

/** All figures of one server: a helper for each business event. Made once by the composition root. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #turns = this.#counter('turns_total', 'Turns that ended, by outcome.', ['outcome']);
  readonly #firstToken = this.#histogram(
    'turn_first_token_seconds',
    'From a message to the first token of its answer.',
    FIRST_TOKEN_BUCKETS,
  );
  readonly #duration = this.#histogram('turn_duration_seconds', 'From a message to the end of its answer.', DURATION_BUCKETS);
  readonly #starts = this.#counter('process_starts_total', 'Agent processes that were started.', ['conversation']);
  readonly #restarts = this.#counter('process_restarts_total', 'Starts after an end that nobody asked for.');
  readonly #exits = this.#counter('process_exits_total', 'Agent processes that ended, by reason.', ['reason']);
  readonly #hibernations = this.#counter('hibernations_total', 'Processes that were ended to be resumed later.');
  readonly #events = this.#counter('events_total', 'Events that were logged, by channel.', ['channel']);
  readonly #pushes = this.#counter('pushes_total', 'Pushes that ended, by outcome.', ['outcome']);
  readonly #sessions = this.#gauge('sessions', 'Sessions, by state.', ['state']);
  readonly #live = this.#gauge('processes_live', 'Slots in use.');
  readonly #waiting = this.#gauge('sessions_waiting', 'Sessions that wait for a slot.');
  readonly #max = this.#gauge('processes_max', 'MAX_CONCURRENT_SESSIONS.');
  readonly #effectiveMax = this.#gauge('processes_effective_max', 'What the memory of this machine allows of it.');
  readonly #queued = this.#gauge(
    'queue_length',
    'What waits: messages for their agent, processes for their start, pushes for their answer.',
    ['queue'],
  );
  readonly #agentMemory = this.#gauge('agent_memory_bytes', 'Resident memory of the process trees, by agent.', ['agent']);
  readonly #lag = this.#gauge('tail_lag_bytes', 'What agents have printed and the store does not have yet.');
  readonly #mostLag = this.#gauge('tail_lag_max_bytes', 'The same, the most of one process.');
  // The name that dashboards expect of any process.
  readonly #serverMemory = new Gauge({ name: 'process_resident_memory_bytes', help: 'Memory of the server.', registers: [this.#registry] });

  /** `known`: every value of each label, so that a series is there, at 0, before the first such event. */
  constructor(known: { outcomes: readonly string[]; reasons: readonly string[]; channels: readonly string[]; pushes: readonly string[] }) {
    for (const outcome of known.pushes) this.#pushes.inc({ outcome }, 0);
    for (const outcome of known.outcomes) this.#turns.inc({ outcome }, 0);
    for (const reason of known.reasons) this.#exits.inc({ reason }, 0);
    for (const channel of known.channels) this.#events.inc({ channel }, 0);
    for (const conversation of ['fresh', 'resumed']) this.#starts.inc({ conversation }, 0);
  }

  /** Of the text that `text` gives. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  turnEnded(outcome: string): void {
    this.#turns.inc({ outcome });
  }
  /** Both in milliseconds; no first token where the agent said nothing. */
  turnTook(durationMs: number, firstTokenMs: number | null): void {
    this.#duration.observe(durationMs / 1_000);
    if (firstTokenMs !== null) this.#firstToken.observe(firstTokenMs / 1_000);
  }
  processStarted(conversation: 'fresh' | 'resumed'): void {
    this.#starts.inc({ conversation });
  }
  processRestarted(): void {
    this.#restarts.inc();
  }
  processExited(reason: string): void {
    this.#exits.inc({ reason });
    if (reason === 'hibernated') this.#hibernations.inc();
  }
  pushEnded(outcome: string): void {
    this.#pushes.inc({ outcome });
  }
  eventsLogged(channel: string, count: number): void {
    this.#events.inc({ channel }, count);
  }

  /** Takes over what was measured just now. */
  gauge(now: Gauged): void {
    const mebibyte = 1024 * 1024;
    for (const [state, count] of Object.entries(now.sessionsByState)) this.#sessions.set({ state }, count);
    this.#live.set(now.live);
    this.#waiting.set(now.waiting);
    this.#max.set(now.max);
    this.#effectiveMax.set(now.effectiveMax);
    this.#queued.set({ queue: 'messages' }, now.queuedMessages);
    this.#queued.set({ queue: 'starts' }, now.queuedStarts);
    this.#queued.set({ queue: 'pushes' }, now.queuedPushes);
    for (const [agent, megabytes] of Object.entries(now.agentsMb)) this.#agentMemory.set({ agent }, Math.round(megabytes * mebibyte));
    this.#serverMemory.set(Math.round(now.serverMb * mebibyte));
    this.#lag.set(now.lagBytes);
    this.#mostLag.set(now.mostLagBytes);
  }

  /** Everything in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Counts since the start, by the value of the label; all under '' where there is none. */
  async counts(): Promise<
    Record<'turns' | 'starts' | 'restarts' | 'exits' | 'hibernations' | 'events' | 'pushes', Record<string, number>>
  > {
    const of = async (counter: Counter): Promise<Record<string, number>> =>
      Object.fromEntries((await counter.get()).values.map(({ labels, value }) => [Object.values(labels).join(), value]));
    const [turns, starts, restarts, exits, hibernations, events, pushes] = await Promise.all(
      [this.#turns, this.#starts, this.#restarts, this.#exits, this.#hibernations, this.#events, this.#pushes].map(of),
    );
    return {
      turns: turns ?? {},
      starts: starts ?? {},
      restarts: restarts ?? {},
      exits: exits ?? {},
      hibernations: hibernations ?? {},
      events: events ?? {},
      pushes: pushes ?? {},
    };
  }

  /** How long first tokens and turns took, in seconds. */
  async durations(): Promise<{ firstToken: Durations; duration: Durations }> {
    return { firstToken: await durations(this.#firstToken), duration: await durations(this.#duration) };
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name: `holdfast_${name}`, help, labelNames, registers: [this.#registry] });
  }
  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name: `holdfast_${name}`, help, labelNames, registers: [this.#registry] });
  }
  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: `holdfast_${name}`, help, buckets, registers: [this.#registry] });
  }
}

/** A histogram in a few numbers, in seconds; null where nothing was measured. */
export interface Durations {
  count: number;
  average: number | null;
  p50: number | null;
  p95: number | null;
}

async function durations(histogram: Histogram): Promise<Durations> {
  const { values } = await histogram.get();
  const end = (name: string): number => values.find(({ metricName }) => metricName?.endsWith(name))?.value ?? 0;
  const buckets = values.flatMap(({ labels, value }) => (labels['le'] === undefined ? [] : [{ upTo: Number(labels['le']), count: value }]));
  const count = end('_count');
  const distribution: Distribution = buckets.map(({ upTo, count: within }) => ({
    upTo: Number.isNaN(upTo) ? Infinity : upTo,
    count: within,
  }));
  return { count, average: count === 0 ? null : end('_sum') / count, p50: quantile(distribution, 0.5), p95: quantile(distribution, 0.95) };
}
