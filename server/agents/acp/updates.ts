import type { SessionUpdate } from '@agentclientprotocol/sdk';
import type { AcpProfile } from '../../contracts/acp-profile.ts';
import { nothing, saying } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import { cut, type JsonObject, listOf, numberOf, objectOf, stringOf } from '../json.ts';
import { modeOf, modeOption } from './manner.ts';
import { settle } from './open.ts';
import { doubted, piece } from './pieces.ts';
import type { AcpState } from './state.ts';
import { openTurn, running, turnOf } from './state.ts';
import { decodeTool } from './tools.ts';

type Kind = SessionUpdate['sessionUpdate'];

/** Patterns of profiles, each compiled once: every piece of text is held against them. */
const compiled = new Map<string, RegExp>();

function fits(pattern: string | undefined, text: string): boolean {
  if (pattern === undefined) return false;
  const expression = compiled.get(pattern) ?? new RegExp(pattern, 's');
  compiled.set(pattern, expression);
  return expression.test(text);
}

function textOf(update: JsonObject): string {
  const content = objectOf(update.content);
  return stringOf(content.text) || (content.type === 'text' ? '' : `[${stringOf(content.type) || 'content'}]`);
}

/** Words outside of any turn, such as of a task in the background: each piece is a message. */
function stray(text: string, state: AcpState): Decoded<AcpState> {
  const strays = state.strays + 1;
  const output: Output = {
    kind: 'message',
    data: { messageId: `stray-${strays}`, role: 'assistant', text, blocks: [{ type: 'text', text }] },
  };
  return saying({ ...state, strays }, output);
}

function notice(code: string, text: string, before: AcpState): Decoded<AcpState> {
  const begun = running(before);
  begun.outputs.push({ kind: 'notice', ...turnOf(before), data: { code, detail: cut(text, 4_000) } });
  return begun;
}

function message(update: JsonObject, before: AcpState, quirks: AcpProfile['quirks']): Decoded<AcpState> {
  const text = textOf(update);
  const agentId = stringOf(update.messageId);
  if (fits(quirks?.retryText, text)) {
    const told = notice('api-retry', text, before);
    // What was said so far is given up: it comes again.
    const { turn } = told.state;
    return turn ? { ...told, state: { ...told.state, turn: { ...turn, block: null } } } : told;
  }
  if (fits(quirks?.noticeText, text)) return notice('agent-notice', text, before);
  const open = openTurn(before);
  if (!open) return text === '' ? nothing(before) : stray(text, before);
  if (open.failure !== null) return afterAll(before, (state) => message(update, state, quirks));
  if (!fits(quirks?.failureText, text)) return piece('text', text, agentId, before);
  const begun = running(before);
  const { turn } = begun.state;
  return turn ? { ...begun, state: { ...begun.state, turn: { ...turn, failure: text } } } : begun;
}

/** Words that looked like a failed call are said like all else, since more comes: they were no end. */
function afterAll(before: AcpState, rest: (state: AcpState) => Decoded<AcpState>): Decoded<AcpState> {
  const said = doubted(before);
  const next = rest(said.state);
  return { ...next, outputs: [...said.outputs, ...next.outputs] };
}

function plan(update: JsonObject, state: AcpState): Decoded<AcpState> {
  const entries = listOf(update.entries)
    .map(objectOf)
    .map((entry) => ({ text: stringOf(entry.content), status: stringOf(entry.status) || 'pending' }));
  const begun = running(state);
  begun.outputs.push({ kind: 'plan', ...turnOf(state), data: { entries } });
  return begun;
}

function used(update: JsonObject, state: AcpState): Decoded<AcpState> {
  const cost = objectOf(update.cost);
  const amount = cost.currency === 'USD' ? numberOf(cost.amount) : null;
  return nothing(amount === null || amount === state.costUsd ? state : { ...state, costUsd: amount });
}

/** The agent works in another mode now. While one is being set, it may still tell of the one before. */
function mode(modeId: string, state: AcpState, profile: AcpProfile): Decoded<AcpState> {
  if (modeId === '' || state.calls.some(({ about }) => about === 'mode')) return nothing(state);
  const now = modeOf(state, modeId, profile);
  return now === null ? nothing(state) : saying({ ...state, mode: now }, { kind: 'mode', mode: now });
}

/** A `session/update`; null when its kind is not known. The history of a loaded session is not told again. */
export function decodeUpdate(update: JsonObject, state: AcpState, profile: AcpProfile): Decoded<AcpState> | null {
  const kind = update.sessionUpdate as Kind;
  if (state.phase === 'replaying' && (kind as string) === profile.quirks?.replayEnd) return settle({ ...state, phase: 'settling' });
  const isOpen = state.phase === 'ready' || state.phase === 'settling';
  switch (kind) {
    case 'agent_message_chunk':
      return isOpen ? message(update, state, profile.quirks) : nothing(state);
    case 'agent_thought_chunk':
      if (!isOpen) return nothing(state);
      return afterAll(state, (said) => piece('thinking', textOf(update), stringOf(update.messageId), said));
    case 'tool_call':
      return isOpen ? afterAll(state, (said) => decodeTool(update, said)) : nothing(state);
    case 'tool_call_update':
      return isOpen ? decodeTool(update, state) : nothing(state);
    case 'plan':
      return isOpen ? plan(update, state) : nothing(state);
    case 'usage_update':
      return used(update, state);
    case 'current_mode_update':
      return isOpen ? mode(stringOf(update.currentModeId), state, profile) : nothing(state);
    case 'config_option_update':
      return isOpen ? mode(modeOption(update), state, profile) : nothing(state);
    case 'user_message_chunk':
    case 'available_commands_update':
    case 'session_info_update':
      return nothing(state);
    default:
      // Later versions have more.
      return null;
  }
}
