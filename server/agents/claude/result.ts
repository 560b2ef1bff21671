import type { DataOf } from '../../contracts/events.ts';
import { nothing, saying, turnOf, withdrawn } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { cut, listOf, numberOf, objectOf, stringOf } from '../json.ts';
import type { ClaudeState } from './state.ts';

type Usage = DataOf<'usage'>['usage'];

/** What this turn used. An interrupted turn reports zeros in `usage`; newer versions have the true figures by model. */
function usageOf(line: JsonObject): { usage: Usage; costUsd: number | null } {
  const models = Object.values(objectOf(line.model_usage_since_last_result)).map(objectOf);
  if (models.length) {
    const sum = (field: string): number => models.reduce((total, model) => total + (numberOf(model[field]) ?? 0), 0);
    const usage = {
      inputTokens: sum('inputTokens'),
      outputTokens: sum('outputTokens'),
      cacheReadTokens: sum('cacheReadInputTokens'),
      cacheWriteTokens: sum('cacheCreationInputTokens'),
    };
    return { usage, costUsd: models.some((model) => numberOf(model.costUSD) !== null) ? sum('costUSD') : null };
  }
  const plain = objectOf(line.usage);
  const usage = {
    inputTokens: numberOf(plain.input_tokens) ?? 0,
    outputTokens: numberOf(plain.output_tokens) ?? 0,
    cacheReadTokens: numberOf(plain.cache_read_input_tokens) ?? 0,
    cacheWriteTokens: numberOf(plain.cache_creation_input_tokens) ?? 0,
  };
  return { usage, costUsd: null };
}

/** Whether a result ends our turn and not one that the agent began by itself, as after a background task. */
function isOurs(line: JsonObject, state: ClaudeState): boolean {
  if (!state.turn) return false;
  const named = [...listOf(line.user_message_uuids), line.user_message_uuid].filter((uuid) => typeof uuid === 'string');
  if (named.length) return named.some((uuid) => uuid.toLowerCase() === state.turn?.agentMessageId.toLowerCase());
  return state.turn.phase !== 'written' || state.announces !== 'yes';
}

function codeOf(line: JsonObject, state: ClaudeState): string {
  if (line.subtype === 'error_max_turns') return 'max-turns';
  if (line.subtype === 'error_max_budget_usd') return 'max-budget';
  const status = numberOf(line.api_error_status);
  if (status === 401 || status === 403 || state.apiError === 'authentication_failed') return 'unauthorized';
  if (status === 429 || state.apiError === 'rate_limit') return 'rate-limited';
  if (status === 529 || line.api_error_type === 'overloaded_error' || state.apiError === 'overloaded') return 'overloaded';
  return status !== null || state.apiError !== null ? 'api-error' : 'agent-error';
}

function detailOf(line: JsonObject): string {
  const errors = listOf(line.errors).filter((error) => typeof error === 'string');
  return cut(stringOf(line.result) || errors.join('\n') || 'The agent ended the turn with an error and did not say why.', 4_000);
}

function endingOf(line: JsonObject, state: ClaudeState, turnId: string, used: ReturnType<typeof usageOf>): Output {
  const failed = line.is_error === true || line.subtype !== 'success';
  if (!failed) return { kind: 'turn.completed', turnId, result: { text: stringOf(line.result), ...used } };
  const aborted = state.turn?.cancel === 'asked' || stringOf(line.terminal_reason).startsWith('aborted');
  if (aborted && line.subtype === 'error_during_execution') return { kind: 'turn.cancelled', turnId };
  return { kind: 'turn.failed', turnId, code: codeOf(line, state), detail: detailOf(line) };
}

/** The cost of this turn: total_cost_usd is the whole conversation's, also across a resume. */
function turnCost(line: JsonObject, state: ClaudeState): number | null {
  const total = numberOf(line.total_cost_usd);
  return total === null || state.costUsd === null ? null : Math.max(0, total - state.costUsd);
}

/** A `result` line: what was used, and the end of the turn if it is ours. */
export function decodeResult(line: JsonObject, state: ClaudeState): Decoded<ClaudeState> {
  const errors = listOf(line.errors);
  if (errors.some((error) => stringOf(error).startsWith('No conversation found'))) {
    // The message was never taken; the exit that follows decides about the turn.
    return saying(state, { kind: 'refused', detail: detailOf(line) });
  }
  const reported = usageOf(line);
  const used = { usage: reported.usage, costUsd: reported.costUsd ?? turnCost(line, state) };
  const outputs: Output[] = [];
  const next = nothing({ ...state, costUsd: numberOf(line.total_cost_usd) ?? state.costUsd });
  next.outputs = outputs;
  if (!state.turn || !isOurs(line, state)) {
    outputs.push({ kind: 'usage', data: used });
    return next;
  }
  outputs.push(...state.pending.map((request) => withdrawn(request, state)));
  outputs.push({ kind: 'usage', ...turnOf(state), data: used }, endingOf(line, state, state.turn.turnId, used));
  next.state = { ...next.state, turn: null, stream: null, pending: [], apiError: null };
  return next;
}
