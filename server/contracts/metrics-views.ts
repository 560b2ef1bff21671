import { z } from 'zod';
import { ExitReason } from './events.ts';
import { Time } from './ids.ts';
import { FinalTurnState, SessionState } from './state.ts';

// Figures of the server as a whole. Counts are since its start; there is nothing of a single session in them.

const count = z.number().int().min(0);
const amount = z.number().min(0);
const Channel = z.enum(['session', 'turn', 'agent', 'terminal']);
const Milliseconds = z.number().min(0).nullable().describe('estimated from the buckets; null where nothing was measured');

/** How a push ended. `expired`: nobody needed it any more; `dropped`: a newer one took its place, or there was no room. */
export const PushOutcome = z.enum(['delivered', 'failed', 'expired', 'dropped']);
export type PushOutcome = z.output<typeof PushOutcome>;

/** How long something took. */
export const DurationView = z.object({ count, averageMs: Milliseconds, p50Ms: Milliseconds, p95Ms: Milliseconds });
export type DurationView = z.output<typeof DurationView>;

/** The figures of /metrics as JSON. */
export const SessionMetricsView = z.object({
  at: Time,
  uptimeSeconds: amount,
  sessions: z.object({ byState: z.record(SessionState, count), live: count, waiting: count, max: count, effectiveMax: count }),
  turns: z.object({ ended: z.record(FinalTurnState, count), firstToken: DurationView, duration: DurationView }),
  processes: z.object({
    starts: z.object({ fresh: count, resumed: count }),
    restarts: count.describe('starts after an end that nobody asked for'),
    hibernations: count,
    exits: z.record(ExitReason, count),
  }),
  queues: z.object({
    messages: count.describe('not yet inside an agent'),
    starts: count.describe('processes that start, or will as soon as others have'),
    pushes: count.describe('that wait or are under way'),
  }),
  pushes: z.record(PushOutcome, count),
  memory: z.object({ serverMb: amount, agentsMb: z.record(z.string(), amount).describe('resident memory by agent') }),
  events: z.object({ total: z.record(Channel, count), perSecond: z.record(Channel, amount).describe('over the last minute') }),
  tail: z.object({
    lagBytes: amount.describe('what agents have printed and the store does not have yet'),
    mostLagBytes: amount.describe('the most of one process'),
  }),
});
export type SessionMetricsView = z.output<typeof SessionMetricsView>;

/** Prometheus' text format, version 0.0.4. */
export const MetricsText = z.string();
