import { ToldLog } from './told-log.ts';

const words = ['fix', 'test', '👩‍👩‍👧', 'naïve', '\u202e', 'a\u0301\u0301', 'x'.repeat(700), '\ud800', '\n', 'npm run build', '数据库'];

/** A log in which turns, tools, approvals, questions, failures and exits follow each other as they like, sensibly or not. */
export function randomLog(random: () => number, steps: number): ToldLog {
  const log = new ToldLog();
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const text = (): string => Array.from({ length: 1 + Math.floor(random() * 12) }, () => pick(words)).join(' ');
  const turns = Array.from({ length: 1 + Math.ceil(steps / 10) }, (_, index) => `turn-${index}`);
  const ids = Array.from({ length: 8 }, (_, index) => `id-${index}`);
  const usage = (): { inputTokens: number; outputTokens: number; cacheReadTokens: number; cacheWriteTokens: number } => {
    const count = Math.floor(random() * 100);
    return { inputTokens: count, outputTokens: count, cacheReadTokens: count, cacheWriteTokens: count };
  };
  const acts: ((turn: string, id: string) => unknown)[] = [
    (turn) => log.asks(turn, text()),
    (turn) => log.starts(turn),
    (turn) => log.answers(turn, text(), random(), Math.floor(random() * 100)),
    (turn) => log.add('turn.failed', { code: 'overloaded', detail: text() }, turn),
    (turn) => log.add('turn.interrupted', { reason: 'crashed' }, turn),
    (turn) => log.add('turn.cancelled', {}, turn),
    (turn) => log.add('turn.resumed', {}, turn),
    (turn, id) => log.uses(turn, id, 'Bash', { command: text() }),
    (turn, id) => log.uses(turn, id, pick(['Write', 'Edit', 'MultiEdit']), { file_path: `/p/${text()}` }),
    (turn, id) => log.used(turn, id, random() < 0.7, text()),
    (turn, id) => log.approval(turn, id, 'Bash', { command: text() }),
    (_turn, id) => log.add('approval.resolved', { approvalId: id, decision: pick(['allow', 'deny', 'withdrawn']), by: 'me' }),
    (turn, id) => log.question(turn, id, text()),
    (_turn, id) => log.add('question.answered', { questionId: id, decision: 'answered', by: 'me' }),
    (turn) => log.add('usage', { usage: usage(), costUsd: random() }, turn),
    () => log.add('session.exited', { reason: pick(['crashed', 'hibernated', 'memory-limit']), exitCode: null, signal: null }),
  ];
  while (log.head < steps) pick(acts)(pick(turns), pick(ids));
  return log;
}
