import type { DataOf, EventKind } from '../../server/contracts/events.ts';
import type { TellingEvent } from '../../server/sessions/recap/recap.ts';

/** 2026-01-05T10:00:00Z; each event is a second after the one before. */
export const START = Date.UTC(2026, 0, 5, 10);

/** A log that a test writes by hand, one event after the other. */
export class ToldLog {
  readonly events: TellingEvent[] = [];

  get head(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  add<K extends EventKind>(kind: K, data: DataOf<K>, turnId?: string): this {
    const seq = this.head + 1;
    this.events.push({ seq, at: START + seq * 1_000, kind, data, ...(turnId === undefined ? {} : { turnId }) } as unknown as TellingEvent);
    return this;
  }

  asks(turnId: string, text: string): this {
    return this.add('turn.accepted', { text, position: 0, attachments: [] }, turnId);
  }

  starts(turnId: string): this {
    return this.add('turn.written', {}, turnId).add('turn.acknowledged', {}, turnId).add('turn.started', {}, turnId);
  }

  answers(turnId: string, text: string, costUsd: number | null = null, outputTokens = 0): this {
    const usage = { inputTokens: 0, outputTokens, cacheReadTokens: 0, cacheWriteTokens: 0 };
    return this.add('turn.completed', { text, usage, costUsd, durationMs: 1, firstTokenMs: 1 }, turnId);
  }

  uses(turnId: string, toolId: string, name: string, input: Record<string, unknown>): this {
    return this.add('tool.started', { toolId, name, title: `${name}: ${Object.values(input).join(' ')}`, input }, turnId);
  }

  used(turnId: string, toolId: string, ok: boolean, output = ''): this {
    return this.add('tool.finished', { toolId, ok, output }, turnId);
  }

  approval(turnId: string, approvalId: string, tool: string, input: Record<string, unknown>): this {
    const title = `${tool}: ${Object.values(input).join(' ')}`;
    const data = { approvalId, tool, title, input, options: [], expiresAt: null, inputHash: '', risk: 'low' as const, riskReasons: [] };
    return this.add('approval.requested', data, turnId).add('turn.waiting', { for: 'approval', id: approvalId }, turnId);
  }

  question(turnId: string, questionId: string, question: string): this {
    const data = { questionId, questions: [{ question, options: [] }], expiresAt: null, inputHash: '' };
    return this.add('question.asked', data, turnId).add('turn.waiting', { for: 'question', id: questionId }, turnId);
  }
}
