import { nothing } from '../decoded.ts';
import type { Decoded } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { numberOf, objectOf } from '../json.ts';
import type { CodexState, Usage } from './state.ts';
import { inTurn } from './state.ts';

export const noUsage: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** Codex counts what came from the cache as input too; here they are apart. */
function usageOf(tokens: JsonObject): Usage {
  const read = numberOf(tokens.cachedInputTokens) ?? 0;
  const written = numberOf(tokens.cacheWriteInputTokens) ?? 0;
  return {
    inputTokens: Math.max(0, (numberOf(tokens.inputTokens) ?? 0) - read - written),
    outputTokens: numberOf(tokens.outputTokens) ?? 0,
    cacheReadTokens: read,
    cacheWriteTokens: written,
  };
}

function combine(one: Usage, other: Usage, how: (a: number, b: number) => number): Usage {
  return {
    inputTokens: how(one.inputTokens, other.inputTokens),
    outputTokens: how(one.outputTokens, other.outputTokens),
    cacheReadTokens: how(one.cacheReadTokens, other.cacheReadTokens),
    cacheWriteTokens: how(one.cacheWriteTokens, other.cacheWriteTokens),
  };
}

/** What the conversation has used so far: the turn gets what is new. Told again, it adds nothing. */
export function decodeTokenUsage(params: JsonObject, state: CodexState): Decoded<CodexState> {
  const told = objectOf(params.tokenUsage);
  const total = usageOf(objectOf(told.total));
  const fresh = state.total ? combine(total, state.total, (now, before) => Math.max(0, now - before)) : usageOf(objectOf(told.last));
  const next = { ...state, total };
  if (!state.turn || state.turn.codexTurnId !== params.turnId) return nothing(next);
  return nothing(inTurn(next, { usage: combine(state.turn.usage ?? noUsage, fresh, (sum, more) => sum + more) }));
}
