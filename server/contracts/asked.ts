import { z } from 'zod';
import { ApprovalOption, eventData, Question, RiskLevel, SettledReason } from './events.ts';
import { InputHash, Time } from './ids.ts';

// What agents ask, and what became of it. Every exported schema becomes a named component of openapi.json.

const decided = {
  by: z.string(),
  device: z.string().optional().describe('as the client that decided calls its device'),
  at: Time,
};
const success = z.literal(true);

/** A decision that counts. The same again from the same device is answered with the first. */
export const ApprovalView = z.object({
  success,
  sessionId: z.uuid(),
  approvalId: z.string(),
  decision: z.enum(['allow', 'deny', 'allow-always']),
  ...decided,
});
export type ApprovalView = z.output<typeof ApprovalView>;

/** An answer that counts. */
export const AnsweredView = z.object({ success, sessionId: z.uuid(), questionId: z.string(), ...decided });
export type AnsweredView = z.output<typeof AnsweredView>;

const asked = {
  sessionId: z.uuid(),
  turnId: z.uuid().optional(),
  inputHash: InputHash,
  askedAt: Time,
  expiresAt: Time.nullable(),
};
const settled = { ...decided, reason: SettledReason.optional() };

/** An approval; without `outcome` it is open. */
export const AskedApproval = z.object({
  kind: z.literal('approval'),
  approvalId: z.string(),
  tool: z.string(),
  title: z.string(),
  input: z.unknown(),
  options: z.array(ApprovalOption),
  risk: RiskLevel,
  riskReasons: z.array(z.string()),
  ...asked,
  outcome: z
    .object({ decision: eventData.agent['approval.resolved'].shape.decision, ...settled, message: z.string().optional() })
    .optional(),
});

/** A question; without `outcome` it is open. */
export const AskedQuestion = z.object({
  kind: z.literal('question'),
  questionId: z.string(),
  questions: z.array(Question),
  ...asked,
  outcome: z
    .object({
      decision: eventData.agent['question.answered'].shape.decision,
      ...settled,
      answers: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
});

/** Something that an agent asked its owner. */
export const AskedView = z.discriminatedUnion('kind', [AskedApproval, AskedQuestion]);
export type AskedView = z.output<typeof AskedView>;

export const AskedPage = z.object({ asked: z.array(AskedView), nextBefore: z.string().optional(), hasMore: z.boolean() });
export type AskedPage = z.output<typeof AskedPage>;
