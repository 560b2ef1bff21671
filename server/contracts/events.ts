import { z } from 'zod';
import { InputHash, Time } from './ids.ts';

const empty = z.object({});
export const ExitReason = z.enum([
  'finished',
  'crashed',
  'killed-by-user',
  'hibernated',
  'expired',
  'memory-limit',
  'cpu-limit',
  'stalled',
  'spool-full',
  'start-failed',
  'lost',
]);
export type ExitReason = z.infer<typeof ExitReason>;

/** Tokens of one turn or of a whole session. */
export const Usage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  cacheReadTokens: z.number(),
  cacheWriteTokens: z.number(),
});
export type Usage = z.infer<typeof Usage>;

/** One choice of an approval. */
export const ApprovalOption = z.object({
  id: z.string(),
  label: z.string(),
  decision: z.enum(['allow', 'deny', 'allow-always']),
});
/** How much harm a request could do, as far as its text tells: a hint and no protection. */
export const RiskLevel = z.enum(['low', 'elevated', 'destructive']);
export type RiskLevel = z.infer<typeof RiskLevel>;

/** Why something that was asked needs no decision any more. */
export const SettledReason = z.enum(['timed-out', 'taken-back', 'asked-again', 'cancelled', 'stopped', 'turn-ended', 'process-ended']);
export type SettledReason = z.infer<typeof SettledReason>;

export const Question = z.object({
  question: z.string(),
  header: z.string().optional(),
  multiSelect: z.boolean().optional(),
  options: z.array(z.object({ label: z.string(), description: z.string().optional() })),
});
const delta = z.object({ messageId: z.string(), delta: z.string() });

/** `data` of every event kind, by channel: the table in docs is generated from this. */
export const eventData = {
  session: {
    'session.created': z.object({ agent: z.string(), projectPath: z.string(), name: z.string(), forkedFrom: z.uuid().optional() }),
    'session.starting': z.object({ incarnationId: z.string(), resumed: z.boolean() }),
    'session.ready': z.object({ pid: z.number().int() }),
    'session.paused': empty,
    'session.resumed': empty,
    'session.expiring': z.object({ expiresAt: Time }),
    'session.extended': z.object({ expiresAt: Time }),
    'session.exited': z.object({
      reason: ExitReason,
      exitCode: z.number().int().nullable(),
      signal: z.string().nullable(),
      detail: z.string().optional(),
    }),
    'session.recovered': z.object({ pid: z.number().int().nullable(), lost: z.boolean() }),
    'session.renamed': z.object({ name: z.string() }),
    'session.updated': z.object({
      mode: z.string().optional(),
      model: z.string().nullable().optional(),
      effort: z.string().nullable().optional(),
      labels: z.array(z.string()).optional(),
    }),
    'session.failed': z.object({ code: z.string(), detail: z.string() }),
    'session.archived': empty,
    'resource.warning': z.object({ what: z.string(), used: z.number(), limit: z.number() }),
    'session.stalled': z.object({ evidence: z.record(z.string(), z.unknown()) }),
  },
  turn: {
    'turn.accepted': z.object({
      text: z.string(),
      position: z.number().int(),
      attachments: z.array(z.object({ name: z.string(), mimeType: z.string(), size: z.number() })),
    }),
    'turn.written': empty,
    'turn.acknowledged': empty,
    'turn.started': empty,
    'turn.waiting': z.object({ for: z.enum(['approval', 'question']), id: z.string() }),
    'turn.resumed': empty,
    'turn.completed': z.object({
      text: z.string(),
      usage: Usage.nullable(),
      costUsd: z.number().nullable(),
      durationMs: z.number(),
      firstTokenMs: z.number().nullable(),
    }),
    'turn.failed': z.object({ code: z.string(), detail: z.string() }),
    'turn.cancelled': empty,
    'turn.interrupted': z.object({ reason: z.string() }),
  },
  agent: {
    text: delta,
    thinking: delta,
    message: z.object({
      messageId: z.string(),
      role: z.enum(['assistant', 'user']),
      text: z.string(),
      blocks: z.array(z.record(z.string(), z.unknown())),
      partial: z.boolean().optional(),
    }),
    'tool.started': z.object({ toolId: z.string(), name: z.string(), title: z.string(), input: z.unknown() }),
    'tool.updated': z.object({ toolId: z.string(), detail: z.string() }),
    'tool.finished': z.object({ toolId: z.string(), ok: z.boolean(), output: z.string() }),
    'approval.requested': z.object({
      approvalId: z.string(),
      tool: z.string(),
      title: z.string(),
      input: z.unknown(),
      options: z.array(ApprovalOption),
      expiresAt: Time.nullable(),
      inputHash: InputHash,
      risk: RiskLevel,
      riskReasons: z.array(z.string()),
    }),
    'approval.resolved': z.object({
      approvalId: z.string(),
      decision: z.enum(['allow', 'deny', 'allow-always', 'expired', 'withdrawn']),
      by: z.string(),
      device: z.string().optional(),
      reason: SettledReason.optional(),
      message: z.string().optional(),
    }),
    'question.asked': z.object({
      questionId: z.string(),
      questions: z.array(Question),
      expiresAt: Time.nullable(),
      inputHash: InputHash,
    }),
    'question.answered': z.object({
      questionId: z.string(),
      decision: z.enum(['answered', 'expired', 'withdrawn']),
      by: z.string(),
      device: z.string().optional(),
      reason: SettledReason.optional(),
      answers: z.record(z.string(), z.string()).optional(),
    }),
    plan: z.object({ entries: z.array(z.object({ text: z.string(), status: z.string() })) }),
    usage: z.object({ usage: Usage, costUsd: z.number().nullable() }),
    'rate-limited': z.object({ resetsAt: Time.nullable() }),
    compacted: z.object({ detail: z.string() }),
    notice: z.object({ code: z.string(), detail: z.string() }),
    unknown: z.object({ line: z.string(), truncated: z.boolean().optional() }),
  },
  terminal: {
    output: z.object({ data: z.base64() }),
    resized: z.object({ cols: z.number().int(), rows: z.number().int() }),
  },
} as const;

type Table = typeof eventData;
export type Channel = keyof Table;
type KindsOf<C extends Channel> = keyof Table[C] & string;
export type EventKind = { [C in Channel]: KindsOf<C> }[Channel];
/** An event before it has a place in a log: discriminated by `kind`. */
export type NewEvent = {
  [C in Channel]: {
    [K in KindsOf<C>]: { channel: C; kind: K; turnId?: string; data: Table[C][K] extends z.ZodType<infer D> ? D : never };
  }[KindsOf<C>];
}[Channel];
export type EventOf<K extends EventKind> = Extract<NewEvent, { kind: K }>;
export type DataOf<K extends EventKind> = EventOf<K>['data'];

/** How a turn ends: one of these is the last that is said of it. */
export const turnEndings = ['turn.completed', 'turn.failed', 'turn.cancelled', 'turn.interrupted'] as const satisfies EventKind[];

/** What a reader is told when its cursor does not fit the log. */
export const noticeData = {
  gap: z.object({ cursor: z.number().int(), snapshot: z.unknown() }),
  ahead: z.object({ cursor: z.number().int() }),
} as const;

function schemasOf(channel: Channel): z.ZodObject[] {
  return Object.entries(eventData[channel]).map(([kind, data]) =>
    z.object({
      sessionId: z.uuid(),
      seq: z.number().int().min(1),
      at: Time,
      channel: z.literal(channel),
      kind: z.literal(kind),
      turnId: z.uuid().optional(),
      data,
    }),
  );
}
function noticeSchema(kind: keyof typeof noticeData): z.ZodObject {
  return z.object({
    sessionId: z.uuid(),
    seq: z.number().int().min(0),
    at: Time,
    channel: z.literal('reader'),
    kind: z.literal(kind),
    data: noticeData[kind],
  });
}

/** One event as every transport carries it, or a `gap`/`ahead` notice to this reader alone. */
export const Event = z.union([
  ...(Object.keys(eventData) as Channel[]).flatMap(schemasOf),
  noticeSchema('gap'),
  noticeSchema('ahead'),
] as unknown as readonly [z.ZodObject, z.ZodObject, ...z.ZodObject[]]);

/** An event as clients get it. */
export type EventView = NewEvent & { sessionId: string; seq: number; at: string };
