import { cut, type JsonObject, numberOf, objectOf, parseObject, stringOf } from '../json.ts';

/** Why a turn failed: a code of ours, and a sentence. */
export interface Failure {
  code: string;
  detail: string;
}

/** How failures are worded, by code. The first that fits counts. */
const wordings: readonly (readonly [code: string, words: RegExp])[] = [
  ['unauthorized', /\b(401|403)\b|unauthori[sz]ed|unauthenticated|authenticat|api key|\b(log|logged|sign|signed)[ -]?in\b/i],
  ['rate-limited', /\b429\b|rate.?limit|resource_exhausted|quota|too many requests/i],
  ['overloaded', /\b(503|529)\b|overloaded|unavailable/i],
  ['api-error', /\b(4\d\d|5\d\d)\b|api ?error|http|fetch|network|connection|socket|stream|timed? ?out|model/i],
];

/** What has nothing to do with what was asked, and may be over soon. */
const outage =
  /\b(ENOTFOUND|ECONN\w+|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ENOSPC|EMFILE)\b|fetch failed|network|timed? ?out|socket hang up|no space left/i;
/** How agents say that they do not know a session. */
const unknown = /not found|no such|unknown session|does not exist/i;

/** Whether what failed may work later, with nothing else changed. */
export function mayPass({ code, detail }: Failure): boolean {
  return code === 'rate-limited' || code === 'overloaded' || outage.test(detail);
}

/** A failed call of the model by what was said about it. */
export function failureFromText(text: string): Failure {
  const code = wordings.find(([, words]) => words.test(text))?.[0] ?? 'agent-error';
  return { code, detail: sentenceFor(text.trim(), code) };
}

/** Some say a single word, such as `terminated`. */
function sentenceFor(said: string, code: string): string {
  if (said === '') return 'The agent ended the turn with an error and did not say why.';
  if (/\s/.test(said)) return cut(said, 4_000);
  return `${code === 'agent-error' ? 'The agent' : "The model's service"} failed: ${cut(said, 4_000)}`;
}

/** Errors of providers are often JSON in the message, in which the sentence stands. */
function sentenceOf(message: string): string {
  const start = message.indexOf('{');
  const inner = start < 0 ? null : parseObject(message.slice(start));
  if (!inner) return message;
  const error = objectOf(inner.error);
  const said = stringOf(error.message) || stringOf(inner.message);
  return said === '' ? message : sentenceOf(said);
}

/** An error of the protocol as a failure. `login` is how to sign in, in the agent's words. */
export function failureOf(error: JsonObject, login: string): Failure {
  const status = numberOf(error.code);
  const data = objectOf(error.data);
  const message = stringOf(error.message);
  const detail = [sentenceOf(message), stringOf(data.details) || stringOf(data.message)].filter((part) => part !== '').join(': ');
  // -32000 is the protocol's own "sign in first", and others' number for anything.
  if (status === -32000 && failureFromText(message).code !== 'rate-limited' && !unknown.test(detail)) {
    return { code: 'unauthorized', detail: cut(`${detail || 'The agent is not signed in'}. ${login}`.trim(), 4_000) };
  }
  const { code } = failureFromText(`${status !== null && status > 0 ? status : ''} ${message} ${detail} ${stringOf(data.errorName)}`);
  return { code, detail: sentenceFor(detail.trim(), code) };
}
