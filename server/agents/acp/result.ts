import type { StopReason } from '@agentclientprotocol/sdk';
import type { DataOf } from '../../contracts/events.ts';
import type { AcpProfile } from '../../contracts/acp-profile.ts';
import type { Decoded, Output } from '../driver.ts';
import { type JsonObject, numberOf, objectOf, stringOf } from '../json.ts';
import { type Failure, failureFromText, failureOf } from './failure.ts';
import type { AcpState, OpenTurn } from './state.ts';
import { endBlock, running } from './state.ts';
import { endTools } from './tools.ts';

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

const noUsage: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

const failures: Partial<Record<StopReason, Failure>> = {
  refusal: { code: 'refused', detail: 'The model refused to go on.' },
  max_tokens: { code: 'max-tokens', detail: 'The answer reached the most tokens that the model gives at once.' },
  max_turn_requests: { code: 'max-turns', detail: 'The agent reached the most requests that it makes in one turn.' },
};

/** Some call a turn ended that was cancelled before they had begun it, and repeat the figures of the one before. */
function neverBegan(turn: OpenTurn): boolean {
  return turn.cancel === 'asked' && turn.blocks === 0 && turn.failure === null;
}

function endingOf(turn: OpenTurn, stopReason: string, used: { usage: Usage | null; costUsd: number | null }): Output {
  const { turnId } = turn;
  if (stopReason === 'cancelled' || neverBegan(turn)) return { kind: 'turn.cancelled', turnId };
  const failure = failures[stopReason as StopReason];
  if (failure) return { kind: 'turn.failed', turnId, ...failure };
  // A call of the model that worked is counted; one that failed leaves only its words.
  if (turn.failure !== null && used.usage === null) return { kind: 'turn.failed', turnId, ...failureFromText(turn.failure) };
  return { kind: 'turn.completed', turnId, result: { text: null, ...used } };
}

/** The state without its turn, and the ends of all that was open in it. A message is whole only in a turn that completed. */
function closeAll(state: AcpState, completed: boolean): Decoded<AcpState> {
  const said = completed ? endBlock(state) : { outputs: [], state };
  const ended = endTools(said.state);
  const outputs = [...said.outputs, ...ended.outputs];
  for (const { id } of state.pending) {
    outputs.push({
      kind: 'approval.resolved',
      ...(state.turn ? { turnId: state.turn.turnId } : {}),
      data: { approvalId: id, decision: 'withdrawn', by: 'agent' },
    });
  }
  return { outputs, replies: [], state: { ...ended.state, turn: null, pending: [] } };
}

/** The answer to session/prompt: the end of the turn. */
export function promptAnswered(before: AcpState, result: JsonObject, profile: AcpProfile): Decoded<AcpState> {
  const begun = running(before);
  const { turn } = begun.state;
  if (!turn) return begun;
  const reported = usageOf(result, before, profile);
  const counted = reported.counted;
  const usage = neverBegan(turn) && result.stopReason !== 'cancelled' ? null : reported.usage;
  const used = { usage, costUsd: costOf(turn, before) };
  const ending = endingOf(turn, stringOf(result.stopReason), used);
  const outputs = [...begun.outputs];
  if (turn.failure !== null && ending.kind === 'turn.completed') outputs.push(...answerAfterAll(turn, turn.failure));
  const closed = closeAll(begun.state, ending.kind === 'turn.completed');
  outputs.push(...closed.outputs);
  outputs.push(...told(turn, used, ending.kind === 'turn.completed'));
  return { outputs: [...outputs, ending], replies: [], state: { ...closed.state, counted } };
}

/** What the turn cost so far; null where that is not known. */
function costOf(turn: OpenTurn, { costUsd: now }: AcpState): number | null {
  return now === null || turn.costBefore === null ? null : Math.max(0, now - turn.costBefore);
}

/** What a turn used, as an output of its own. A turn that did not complete may have cost something and not told its tokens. */
function told(turn: OpenTurn, { usage, costUsd }: { usage: Usage | null; costUsd: number | null }, completed: boolean): Output[] {
  const { turnId } = turn;
  if (usage) return [{ kind: 'usage', turnId, data: { usage, costUsd } }];
  if (completed || costUsd === null || costUsd === 0) return [];
  return [{ kind: 'usage', turnId, data: { usage: noUsage, costUsd } }];
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
  return { ...closed, outputs: [...closed.outputs, ...told(turn, { usage: null, costUsd: costOf(turn, state) }, false), ending] };
}
