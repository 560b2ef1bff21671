import type { JsonObject } from '../json.ts';
import { cut, numberOf, objectOf, stringOf } from '../json.ts';
import type { CodexErrorInfo } from './protocol.ts';

/** Codex's names of failures that have a code of their own here. */
const codes = new Map<string, string>([
  ['unauthorized', 'unauthorized'],
  ['usageLimitExceeded', 'rate-limited'],
  ['rateLimitExceeded', 'rate-limited'],
  ['serverOverloaded', 'overloaded'],
  ['contextWindowExceeded', 'context-full'],
  ['sessionBudgetExceeded', 'max-budget'],
  ['internalServerError', 'api-error'],
  ['badRequest', 'api-error'],
  ['modelNotFound', 'api-error'],
] satisfies [CodexErrorInfo, string][]);

function statusOf(info: unknown): number | null {
  for (const about of Object.values(objectOf(info))) {
    const status = numberOf(objectOf(about).httpStatusCode);
    if (status !== null) return status;
  }
  return null;
}

function codeOf(info: unknown): string | null {
  if (typeof info === 'string') return codes.get(info) ?? null;
  switch (statusOf(info)) {
    case 401:
    case 403:
      return 'unauthorized';
    case 429:
      return 'rate-limited';
    case 503:
    case 529:
      return 'overloaded';
    default:
      return Object.keys(objectOf(info)).length > 0 ? 'api-error' : null;
  }
}

/** The code of a turn that failed. `trouble` is what went wrong with the model's API before: the last failure may have no name. */
export function failureCode(error: JsonObject, trouble: JsonObject | null): string {
  return codeOf(error.codexErrorInfo) ?? (trouble ? codeOf(trouble.codexErrorInfo) : null) ?? 'agent-error';
}

/** Codex's own sentence about a failure. */
export function failureDetail(error: JsonObject): string {
  const said = [stringOf(error.message), stringOf(error.additionalDetails)].filter((text) => text !== '');
  return cut(said.join(' ') || 'Codex ended the turn with an error and did not say why.', 4_000);
}
