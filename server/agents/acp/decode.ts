import type { AcpProfile } from '../../contracts/acp-profile.ts';
import { saying } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import { cut, isShallow, type JsonObject, numberOf, objectOf, parseObject, stringOf } from '../json.ts';
import { failureOf } from './failure.ts';
import { effortAfterModel, notOffered } from './manner.ts';
import { closed, initialized, loadFailed, opened, settle } from './open.ts';
import { decodePermission } from './permission.ts';
import { promptAnswered, promptFailed } from './result.ts';
import { call, methodNotFound } from './rpc.ts';
import type { AcpState } from './state.ts';
import { turnOf } from './state.ts';
import { decodeUpdate } from './updates.ts';

/** The most that is kept of a line that is not understood, in characters. */
const maxUnknown = 256 * 1024;

function unknown(line: string, state: AcpState): Decoded<AcpState> {
  const kept = cut(line, maxUnknown);
  const data = kept === line ? { line } : { line: kept, truncated: true };
  return saying(state, { kind: 'unknown', ...turnOf(state), data });
}

function request(method: string, id: string | number, params: JsonObject, state: AcpState): Decoded<AcpState> {
  if (method === 'session/request_permission') return decodePermission(id, params, state);
  // Files and terminals are the agent's own business here: whatever it asks of them is refused, so that it doesn't wait for ever.
  return { outputs: [], replies: [methodNotFound(id, cut(method, 200))], state };
}

function notification(method: string, params: JsonObject, state: AcpState, profile: AcpProfile): Decoded<AcpState> | null {
  if (method !== 'session/update') return null;
  if (state.agentSessionId !== null && params.sessionId !== state.agentSessionId) return null;
  return decodeUpdate(objectOf(params.update), state, profile);
}

/** An answer to one of our requests; null when none waits for it. */
function response(parsed: JsonObject, before: AcpState, profile: AcpProfile): Decoded<AcpState> | null {
  const answered = before.calls.find(({ id }) => id === parsed.id);
  if (!answered) return null;
  const state: AcpState = { ...before, calls: before.calls.filter((other) => other !== answered) };
  const error = parsed.error === undefined || parsed.error === null ? null : objectOf(parsed.error);
  const result = objectOf(parsed.result);
  switch (answered.about) {
    case 'initialize':
      return error ? closed(state, failureOf(error, state.offers.login)) : initialized(state, result, profile);
    case 'load':
      return error ? loadFailed(state, error) : opened(state, result, profile);
    case 'new':
      return error ? closed(state, failureOf(error, state.offers.login)) : opened(state, result, profile);
    case 'mode':
    case 'model':
    case 'effort':
      return wasSet(answered.about, error, result, state);
    case 'prompt':
      return error ? promptFailed(state, error) : promptAnswered(state, result, profile);
  }
}

/** The answer to what sets a mode, a model or an effort. What was wanted and is refused is told, and the agent goes on with its own. */
function wasSet(about: 'mode' | 'model' | 'effort', error: JsonObject | null, result: JsonObject, before: AcpState): Decoded<AcpState> {
  const outputs: Output[] = [];
  const replies: string[] = [];
  let state = before;
  if (error) {
    const detail = `The agent did not take the ${about}: ${failureOf(error, '').detail}`;
    outputs.push({ kind: 'notice', data: { code: `${about}-refused`, detail } });
  }
  if (about === 'model') {
    const next = effortAfterModel(state, result);
    state = next.state;
    if (next.refused) outputs.push({ kind: 'notice', data: notOffered('effort') });
    if (next.set) {
      const asked = call(state, next.set.about, next.set.method, next.set.params);
      replies.push(asked.line);
      state = asked.state;
    }
  }
  const settled = settle(state);
  return { ...settled, outputs: [...outputs, ...settled.outputs], replies: [...replies, ...settled.replies] };
}

function known(parsed: JsonObject, state: AcpState, profile: AcpProfile): Decoded<AcpState> | null {
  const { id } = parsed;
  const method = stringOf(parsed.method);
  if (method === '') return response(parsed, state, profile);
  const params = objectOf(parsed.params);
  // Some number their requests from 0, so only the kind of an id tells whether there is one.
  if (typeof id === 'string' || numberOf(id) !== null) return request(method, id as string | number, params, state);
  return id === undefined ? notification(method, params, state, profile) : null;
}

/** A line of the agent as what it means. Whatever can't be read becomes `unknown`; the same state comes back when nothing changed. */
export function decode(line: string, state: AcpState, profile: AcpProfile): Decoded<AcpState> {
  const parsed = parseObject(line);
  return (parsed && isShallow(parsed) ? known(parsed, state, profile) : null) ?? unknown(line, state);
}
