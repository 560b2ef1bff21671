import type { DataOf } from '../../contracts/events.ts';
import { nothing, saying, turnOf, withdrawn } from '../decoded.ts';
import type { AskedApproval, Decoded } from '../driver.ts';
import type { JsonObject } from '../json.ts';
import { listOf, objectOf, stringOf } from '../json.ts';
import { optionsOf } from '../texts.ts';
import { allowLine, cancelLine, denyLine } from './decisions.ts';
import type { RequestMethod } from './protocol.ts';
import { refusalLine, responseLine } from './rpc.ts';
import type { CodexState, PendingRequest } from './state.ts';
import { changeInput, changeTitle, plainCommand, titleOf } from './tools.ts';

type RequestId = string | number;

/** What is asked, with the words for "always": it holds for as long as codex runs. */
interface Asked {
  request: PendingRequest;
  tool: string;
  title: string;
  input: JsonObject;
  /** Null where it can be allowed only once. */
  always: string | null;
}

function command(id: RequestId, params: JsonObject): Asked {
  const reason = stringOf(params.reason);
  const host = stringOf(objectOf(params.networkApprovalContext).host);
  const input = { command: stringOf(params.command), cwd: stringOf(params.cwd) };
  return {
    request: { kind: 'command', id: String(id), requestId: id },
    tool: 'shell',
    title: host === '' ? titleOf('shell', plainCommand(params)) : titleOf('shell', `reach ${host} over the network`),
    input: { ...input, ...(reason === '' ? {} : { reason }), ...(host === '' ? {} : { host }) },
    always: host === '' ? 'Allow this command in this session' : `Allow ${host} in this session`,
  };
}

function change(id: RequestId, params: JsonObject, state: CodexState): Asked {
  const changes = state.changes.find(({ itemId }) => itemId === params.itemId)?.changes ?? [];
  const grantRoot = stringOf(params.grantRoot);
  const reason = stringOf(params.reason);
  return {
    request: { kind: 'change', id: String(id), requestId: id },
    tool: 'apply_patch',
    title: changeTitle(changes),
    input: { ...changeInput(changes), ...(reason === '' ? {} : { reason }), ...(grantRoot === '' ? {} : { grantRoot }) },
    always: 'Allow edits of these files in this session',
  };
}

function permissions(id: RequestId, params: JsonObject): Asked {
  const asked = objectOf(params.permissions);
  const reason = stringOf(params.reason);
  return {
    request: { kind: 'permissions', id: String(id), requestId: id, asked },
    tool: 'permissions',
    title: titleOf('permissions', reason || Object.keys(asked).join(', ')),
    input: { permissions: asked, cwd: stringOf(params.cwd), ...(reason === '' ? {} : { reason }) },
    always: 'Allow this in this session',
  };
}

/**
 * Something about an MCP server: leave to use one of its tools, or what the server itself wants to have confirmed. Null for what wants
 * more than a yes.
 */
function elicitation(id: RequestId, params: JsonObject): Asked | null {
  const about = objectOf(params._meta);
  const fields = Object.keys(objectOf(objectOf(params.requestedSchema).properties));
  if (params.mode !== 'form' || fields.length > 0) return null;
  const server = stringOf(params.serverName);
  const message = stringOf(params.message);
  const isTool = about.codex_approval_kind === 'mcp_tool_call';
  const tool = isTool ? `${server}.${stringOf(about.tool_name)}` : server;
  return {
    request: { kind: 'elicitation', about: isTool ? 'tool' : 'server', id: String(id), requestId: id },
    tool,
    title: titleOf(tool, message),
    input: isTool ? objectOf(about.tool_params) : { message },
    always: listOf(about.persist).includes('session') ? 'Allow this tool in this session' : null,
  };
}

/** Whether the mode has decided already: `auto` everything, `accept-edits` changes of files inside the project. */
function isAllowed({ request, input }: Asked, state: CodexState): boolean {
  // What an MCP server wants to have confirmed is a question.
  if (state.mode === 'auto') return request.kind !== 'elicitation' || request.about === 'tool';
  if (state.mode !== 'accept-edits' || request.kind !== 'change' || 'grantRoot' in input) return false;
  const paths = listOf(input.changes).map((one) => stringOf(objectOf(one).path));
  const inside = `${state.projectPath}/`;
  return paths.length > 0 && paths.every((path) => path.startsWith(inside) && !path.split('/').includes('..'));
}

function ask(asked: Asked, state: CodexState): Decoded<CodexState> {
  const { request, tool, title, input, always } = asked;
  // Whoever has cancelled the turn does not want what it asks for.
  if (state.turn && state.turn.cancel !== 'no') return { outputs: [], replies: [cancelLine(request)], state };
  if (isAllowed(asked, state)) return { outputs: [], replies: [allowLine(request, false)], state };
  const options: AskedApproval['options'] = [
    { id: 'allow', label: 'Allow', decision: 'allow' },
    ...(always === null ? [] : [{ id: 'allow-always', label: always, decision: 'allow-always' as const }]),
    { id: 'deny', label: 'Deny', decision: 'deny' },
  ];
  const data = { approvalId: request.id, tool, title, input, options, expiresAt: null };
  return saying(pend(state, request), { kind: 'approval.requested', ...turnOf(state), data });
}

function pend(state: CodexState, request: PendingRequest): CodexState {
  return { ...state, pending: [...state.pending.filter(({ id }) => id !== request.id), request] };
}

function question(id: RequestId, params: JsonObject, state: CodexState): Decoded<CodexState> {
  if (state.turn && state.turn.cancel !== 'no') return { outputs: [], replies: [responseLine(id, { answers: {} })], state };
  const asked = listOf(params.questions).map(objectOf);
  const questions: DataOf<'question.asked'>['questions'] = asked.map((one) => ({
    question: stringOf(one.question),
    ...(typeof one.header === 'string' ? { header: one.header } : {}),
    options: optionsOf(one),
  }));
  if (questions.length === 0) return { outputs: [], replies: [responseLine(id, { answers: {} })], state };
  const ids = asked.map((one) => ({ id: stringOf(one.id), question: stringOf(one.question) }));
  const next = pend(state, { kind: 'question', id: String(id), requestId: id, questions: ids });
  return saying(next, { kind: 'question.asked', ...turnOf(state), data: { questionId: String(id), questions } });
}

/** A request of codex: leave to do something, or a question. Anything else is refused, so that codex doesn't wait for ever. */
export function decodeRequest(id: RequestId, method: string, params: JsonObject, state: CodexState): Decoded<CodexState> {
  switch (method as RequestMethod) {
    case 'item/commandExecution/requestApproval':
      return ask(command(id, params), state);
    case 'item/fileChange/requestApproval':
      return ask(change(id, params, state), state);
    case 'item/permissions/requestApproval':
      return ask(permissions(id, params), state);
    case 'item/tool/requestUserInput':
      return question(id, params, state);
    case 'mcpServer/elicitation/request': {
      const asked = elicitation(id, params);
      if (asked) return ask(asked, state);
      const server = stringOf(params.serverName) || 'An MCP server';
      const detail = `${server} asked for more than a yes or a no, which Holdfast can't show; it was declined.`;
      const line = denyLine({ kind: 'elicitation', about: 'server', id: String(id), requestId: id });
      return { outputs: [{ kind: 'notice', ...turnOf(state), data: { code: 'control-refused', detail } }], replies: [line], state };
    }
    default: {
      const detail = `Not supported: ${method.slice(0, 200)}`;
      const data = { code: 'control-refused', detail };
      return { outputs: [{ kind: 'notice', ...turnOf(state), data }], replies: [refusalLine(id, detail)], state };
    }
  }
}

/** Codex needs no answer any more, or has got it. */
export function decodeResolved(params: JsonObject, state: CodexState): Decoded<CodexState> {
  const request = state.pending.find(({ requestId }) => requestId === params.requestId);
  if (!request) return nothing(state);
  return saying({ ...state, pending: state.pending.filter((other) => other !== request) }, withdrawn(request, state));
}
