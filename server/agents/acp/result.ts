import type { StopReason } from '@agentclientprotocol/sdk';
import type { DataOf } from '../../contracts/events.ts';
import type { AcpProfile } from '../../contracts/acp-profile.ts';
import type { Decoded, Output } from '../driver.ts';
import { type JsonObject, numberOf, objectOf, stringOf } from '../json.ts';
import { type Failure, failureFromText, failureOf } from './failure.ts';
import type { AcpState, OpenTurn } from './state.ts';
import { endBlock, running } from './state.ts';
import { unfinished } from './tools.ts';

type Usage = DataOf<'usage'>['usage'];
type Counts = AcpState['counted'];

/** Tokens as the protocol reports them, or as Gemini does in `_meta`: input, output, cache read, cache write. */
function countsOf(result: JsonObject): Counts | null {
  const own = objectOf(result.usage);
  const quota = objectOf(objectOf(objectOf(result._meta).quota).token_count);
  const counts: Counts = [
    numberOf(own.inputTokens) ?? numberOf(quota.input_tokens) ?? 0,
    numberOf(own.outputTokens) ?? numberOf(quota.output_tokens) ?? 0,
    numberOf(own.cachedReadTokens) ?? 0,
    numberOf(own.cachedWriteTokens) ?? 0,
  ];
  return counts.some((count) => count > 0) ? counts : null;
}

/** What this turn used, and what was counted by now. */
function usageOf(result: JsonObject, state: AcpState, profile: AcpProfile): { usage: Usage | null; counted: Counts } {
  const reported = countsOf(result);
  if (reported === null) return { usage: null, counted: state.counted };
  const before: Counts = profile.quirks?.usage === 'process' ? state.counted : [0, 0, 0, 0];
  const [inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens] = reported.map((count, index) =>
    Math.max(0, count - (before[index] ?? 0)),
  ) as Counts;
  const isNone = inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens === 0;
  return { usage: isNone ? null : { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }, counted: reported };
}

const failures: Partial<Record<StopReason, Failure>> = {
  refusal: { code: 'refused', detail: 'The model refused to go on.' },
  max_tokens: { code: 'max-tokens', detail: 'The answer reached the most tokens that the model gives at once.' },
  max_turn_requests: { code: 'max-turns', detail: 'The agent reached the most requests that it makes in one turn.' },
};

function endingOf(turn: OpenTurn, stopReason: string, used: { usage: Usage | null; costUsd: number | null }): Output {
  const { turnId } = turn;
  if (stopReason === 'cancelled') return { kind: 'turn.cancelled', turnId };
  const failure = failures[stopReason as StopReason];
  if (failure) return { kind: 'turn.failed', turnId, ...failure };
  // A call of the model that worked is counted; one that failed leaves only its words.
  if (turn.failure !== null && used.usage === null) return { kind: 'turn.failed', turnId, ...failureFromText(turn.failure) };
  return { kind: 'turn.completed', turnId, result: { text: null, ...used } };
}

/** The state without its turn, and the ends of all that was open in it. A message is whole only in a turn that completed. */
function closeAll(state: AcpState, completed: boolean): Decoded<AcpState> {
  const ended = completed ? endBlock(state) : { outputs: [], state };
  const outputs = [...ended.outputs, ...unfinished(state)];
  for (const { id } of state.pending) {
    outputs.push({
      kind: 'approval.resolved',
      ...(state.turn ? { turnId: state.turn.turnId } : {}),
      data: { approvalId: id, decision: 'withdrawn', by: 'agent' },
    });
  }
  return { outputs, replies: [], state: { ...ended.state, turn: null, tools: [], pending: [] } };
}

/** The answer to session/prompt: the end of the turn. */
export function promptAnswered(before: AcpState, result: JsonObject, profile: AcpProfile): Decoded<AcpState> {
  const begun = running(before);
  const { turn } = begun.state;
  if (!turn) return begun;
  const { usage, counted } = usageOf(result, before, profile);
  const { costUsd: now } = before;
  const costUsd = now === null || turn.costBefore === null ? null : Math.max(0, now - turn.costBefore);
  const used = { usage, costUsd };
  const ending = endingOf(turn, stringOf(result.stopReason), used);
  const outputs = [...begun.outputs];
  if (turn.failure !== null && ending.kind === 'turn.completed') outputs.push(...answerAfterAll(turn, turn.failure));
  const closed = closeAll(begun.state, ending.kind === 'turn.completed');
  outputs.push(...closed.outputs);
  if (usage) outputs.push({ kind: 'usage', turnId: turn.turnId, data: { usage, costUsd: used.costUsd } });
  return { outputs: [...outputs, ending], replies: [], state: { ...closed.state, counted } };
}

/** What looked like a failed call was the model's own answer. */
function answerAfterAll(turn: OpenTurn, text: string): Output[] {
  const messageId = turn.block?.kind === 'text' ? turn.block.messageId : `m${turn.blocks + 1}`;
  const { turnId } = turn;
  const delta: Output = { kind: 'text', turnId, data: { messageId, delta: text } };
  return turn.block?.kind === 'text' ? [delta] : [delta, { kind: 'said', turnId, data: { messageId } }];
}

/** An error in answer to session/prompt: the turn failed, or it was given up. */
export function promptFailed(state: AcpState, error: JsonObject): Decoded<AcpState> {
  const { turn } = state;
  if (!turn) return { outputs: [], replies: [], state };
  const closed = closeAll(state, false);
  const ending: Output =
    turn.cancel === 'asked'
      ? { kind: 'turn.cancelled', turnId: turn.turnId }
      : { kind: 'turn.failed', turnId: turn.turnId, ...failureOf(error, state.offers.login) };
  return { ...closed, outputs: [...closed.outputs, ending] };
}
