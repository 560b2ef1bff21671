import { isoTime, type Timer } from '../../platform/clock.ts';
import { openConnections } from '../../process/connections.ts';
import type { ProcessIdentity } from '../../process/identity.ts';
import { freeMemoryMb } from '../../process/free-memory.ts';
import { membersButWrapper } from '../../process/members.ts';
import { readTable } from '../../process/process-table.ts';
import { treesUsage, type TreeUsage } from '../../process/usage.ts';
import { agentLimits, limitDetail } from './agent-limits.ts';
import type { SessionContext } from '../context.ts';
import { effectiveLimit } from '../pool/effective-limit.ts';
import { firstToGo, judge, judgeDay, judgeStall, unwatched, type ResourceLimits, type Watched } from './health-rules.ts';
import type { InteractiveSessionPool } from '../pool/pool.ts';
import type { EndDecision } from '../lifecycle/record-stop.ts';
import type { Session } from '../session.ts';
import type { SessionState } from '../session-state.ts';
import { openTools } from './open-tools.ts';

export interface HealthSettings {
  intervalMs: number;
  expireAfterMs: number;
  warnAfterMs: number;
  stallMs: number;
  /** Silence of a model that ends its turn; 0: never. */
  modelTimeoutMs: number;
  /** Of one session; an agent may have its own. */
  limits: ResourceLimits;
  /** Memory of all processes together, MiB. */
  totalMemoryMb: number;
}

/** One session's last measurement. */
export interface Measured extends TreeUsage {
  members: ProcessIdentity[];
}

/** Memory that a process is expected to take before one was measured, in MiB. */
const EXPECTED_MB = 200;

/** States in which an agent has something to say; one that starts, that it is ready. */
const OWES_A_WORD: ReadonlySet<SessionState['kind']> = new Set(['starting', 'working', 'waiting']);

/** Looks at every live process at an interval: figures, limits, the day, stalls, and how many there may be. */
export class HealthMonitor {
  readonly #context: SessionContext;
  readonly #pool: InteractiveSessionPool;
  readonly #settings: HealthSettings;
  readonly #watched = new Map<string, Watched>();
  readonly #stalledAt = new Map<string, number>();
  #measured: ReadonlyMap<string, Measured> = new Map();
  #timer: Timer | null = null;
  #checking: Promise<void> | null = null;

  constructor(context: SessionContext, pool: InteractiveSessionPool, settings: HealthSettings) {
    this.#context = context;
    this.#pool = pool;
    this.#settings = settings;
  }

  /** The last measurement of each live session. */
  get measured(): ReadonlyMap<string, Measured> {
    return this.#measured;
  }

  start(): void {
    this.#timer = this.#context.clock.every(this.#settings.intervalMs, () => {
      // A check that takes longer than the interval is not joined by another.
      this.#checking ??= this.check().finally(() => (this.#checking = null));
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** One check of everything. Never rejects. */
  async check(): Promise<void> {
    try {
      const live = this.#pool.live.filter((session) => session.incarnation !== null);
      this.#measured = await measure(live);
      for (const known of [this.#watched, this.#stalledAt]) for (const id of known.keys()) if (!this.#measured.has(id)) known.delete(id);
      for (const session of live) this.#look(session);
      this.#judgeTotal(live);
      this.#judgeLimit(live);
    } catch (error) {
      this.#context.logger.error({ error }, 'a health check failed');
    }
  }

  #look(session: Session): void {
    const measured = this.#measured.get(session.id);
    if (!measured || session.state.kind === 'stopping') return;
    if (session.state.kind !== 'paused') this.#judgeUse(session, measured);
    this.#judgeDay(session);
    if (OWES_A_WORD.has(session.state.kind)) this.#judgeStall(session, measured);
  }

  #judgeUse(session: Session, measured: Measured): void {
    const own = this.#context.agents.get(session.agent)?.limits ?? {};
    const limits = agentLimits(session.agent, own, this.#settings.limits);
    const { next, warnings, end } = judge(this.#watched.get(session.id) ?? unwatched, measured, limits);
    this.#watched.set(session.id, next);
    for (const warning of warnings) session.announce({ channel: 'session', kind: 'resource.warning', data: warning });
    if (end !== null) this.#end(session, { kind: 'limit', reason: end, detail: limitDetail(end, measured, limits) });
  }

  #judgeDay(session: Session): void {
    const { expireAfterMs, warnAfterMs } = this.#settings;
    const { idleMs, warned } = session.activity;
    const { kind } = session.state;
    const verdict = judgeDay({ idleMs, warnAfterMs, expireAfterMs, warned, quiet: kind !== 'working' && kind !== 'starting' });
    if (verdict === 'expire')
      this.#end(session, { kind: 'give-up', reason: 'expired', holds: () => session.activity.idleMs >= expireAfterMs });
    if (verdict === 'warn') session.warnOfExpiry(isoTime(this.#context.clock.now() + expireAfterMs - idleMs));
  }

  #judgeStall(session: Session, measured: Measured): void {
    const { silentMs } = session.activity;
    const last = this.#stalledAt.get(session.id) ?? 0;
    if (silentMs < this.#settings.stallMs) return void this.#stalledAt.delete(session.id);
    // Told once for each time that the silence has lasted as long again.
    if (silentMs - last < this.#settings.stallMs) return;
    this.#stalledAt.set(session.id, silentMs);
    const evidence = {
      silentMs: Math.round(silentMs),
      cpuPercent: Math.round(measured.cpuPercent * 10) / 10,
      openTools: session.turn ? openTools(this.#context.store, session, session.turn) : 0,
      openRequests: this.#context.store.requests.open(session.num).length,
      connections: openConnections(measured.members),
    };
    const verdict = judgeStall(evidence);
    session.announce({ channel: 'session', kind: 'session.stalled', data: { evidence: { ...evidence, verdict } } });
    const { stallMs, modelTimeoutMs } = this.#settings;
    if (verdict === 'dead') this.#endStalled(session, stallMs);
    if (verdict === 'waiting-for-api' && modelTimeoutMs > 0 && silentMs >= modelTimeoutMs) this.#giveUpModel(session, modelTimeoutMs);
  }

  #endStalled(session: Session, afterMs: number): void {
    this.#end(session, { kind: 'give-up', reason: 'stalled', holds: () => session.activity.silentMs >= afterMs });
  }

  /** The model's service doesn't answer: the turn fails, the process stays. One that doesn't give up its turn is ended at the next look. */
  #giveUpModel(session: Session, afterMs: number): void {
    if (!session.turn) return;
    const minutes = Math.round(afterMs / 6_000) / 10;
    const detail = `The model's service said nothing for ${minutes} min (MODEL_TIMEOUT_MINUTES), so this turn was given up. Send the message again.`;
    session
      .giveUp(session.turn.id, { code: 'model-timeout', detail })
      .then((asked) => {
        if (!asked) this.#endStalled(session, afterMs);
      })
      .catch((error: unknown) => this.#context.logger.warn({ error, sessionId: session.id }, 'a turn could not be given up'));
  }

  /** A decision that can't be stored now (a full disk) is taken again at the next check. */
  #end(session: Session, decision: EndDecision): void {
    session
      .end(decision)
      .catch((error: unknown) => this.#context.logger.warn({ error, sessionId: session.id }, 'an end could not be recorded'));
  }

  /** Ends one process when all together use too much. What already ends does not count. */
  #judgeTotal(live: readonly Session[]): void {
    const { totalMemoryMb } = this.#settings;
    const staying = live
      .filter((session) => session.state.kind !== 'stopping')
      .map((session) => {
        const { wantedAt } = session.activity;
        return { session, idle: session.state.kind === 'ready', wantedAt, memoryMb: this.#memoryOf(session) };
      });
    const usedMb = staying.reduce((sum, { memoryMb }) => sum + memoryMb, 0);
    if (usedMb <= totalMemoryMb) return;
    const victim = firstToGo(staying)?.session;
    const detail = `All agents together used ${Math.round(usedMb)} MB of ${totalMemoryMb} MB (MAX_TOTAL_MEMORY_GB); this one was ended.`;
    if (victim) this.#end(victim, { kind: 'limit', reason: 'memory-limit', detail });
  }

  #memoryOf(session: Session): number {
    return this.#measured.get(session.id)?.memoryMb ?? 0;
  }

  /** How many processes may live now. */
  #judgeLimit(live: readonly Session[]): void {
    const inputs = {
      max: this.#pool.max,
      live: live.length,
      usedMb: live.reduce((sum, session) => sum + this.#memoryOf(session), 0),
      totalMb: this.#settings.totalMemoryMb,
      freeMb: freeMemoryMb(),
      expectedMb: EXPECTED_MB,
    };
    const { limit, reason } = effectiveLimit(inputs);
    this.#pool.limitTo(limit, reason);
  }
}

/** Memory and CPU of each session's process tree, from one look at the process table. */
async function measure(live: readonly Session[]): Promise<Map<string, Measured>> {
  const table = readTable();
  const trees = live.flatMap(({ id, incarnation }) =>
    incarnation ? [{ id, members: membersButWrapper(incarnation.membersQuery, table) }] : [],
  );
  const usages = await treesUsage(trees.map(({ members }) => members));
  return new Map(trees.map(({ id, members }, index) => [id, { ...(usages[index] ?? { memoryMb: 0, cpuPercent: 0 }), members }]));
}
