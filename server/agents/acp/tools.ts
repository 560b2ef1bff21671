import { basename, isAbsolute, relative, resolve } from 'node:path';
import type { ToolKind } from '@agentclientprotocol/sdk';
import { nothing } from '../decoded.ts';
import type { Decoded, Output } from '../driver.ts';
import { cut, type JsonObject, listOf, objectOf, stringOf } from '../json.ts';
import { firstLine, keptOutput, MOST_OUTPUT } from '../texts.ts';
import type { AcpState, OpenTool } from './state.ts';
import { endBlock, openTurn, running, turnOf } from './state.ts';

const maxDetail = 2_000;
const mostEnded = 100;
const edits: readonly string[] = ['edit'] satisfies ToolKind[];
const runs: readonly string[] = ['execute'] satisfies ToolKind[];

function diffsOf(toolCall: JsonObject): JsonObject[] {
  return listOf(toolCall.content)
    .map(objectOf)
    .filter((content) => content.type === 'diff');
}

/** The text in a tool's content; changes of files are left out, which its input has. */
function textOf(toolCall: JsonObject): string {
  return listOf(toolCall.content)
    .map(objectOf)
    .flatMap((content) => (content.type === 'content' ? [stringOf(objectOf(content.content).text)] : []))
    .join('\n');
}

/** Paths that a tool is said to touch. */
function pathsOf(toolCall: JsonObject): string[] {
  const named = [...listOf(toolCall.locations), ...diffsOf(toolCall)].map((place) => stringOf(objectOf(place).path));
  return [...new Set(named)].filter((path) => path !== '');
}

/** What a tool gets, as far as the agent tells: its raw input, and what to judge it by where that lacks it. */
function inputOf(kind: string, title: string, toolCall: JsonObject): JsonObject {
  const raw = objectOf(toolCall.rawInput);
  const [path] = pathsOf(toolCall);
  const input: JsonObject = { ...raw };
  if (runs.includes(kind) && typeof raw.command !== 'string' && title !== '') input.command = title;
  if (path !== undefined && !runs.includes(kind) && typeof raw.path !== 'string') input.path = path;
  const changes = diffsOf(toolCall).map((diff) => ({
    path: stringOf(diff.path),
    oldText: cut(stringOf(diff.oldText), MOST_OUTPUT),
    newText: cut(stringOf(diff.newText), MOST_OUTPUT),
  }));
  return changes.length > 0 ? { ...input, changes } : input;
}

function shortTitle(kind: string, title: string, input: JsonObject): string {
  const path = stringOf(input.path);
  // Some say only what they do, and not to which file.
  const named = path === '' || title.includes(basename(path)) ? title : `${title}: ${path}`;
  const text = (runs.includes(kind) ? stringOf(input.command) : '') || named || kind;
  return firstLine(text);
}

/** Whether every path of a tool lies in the project. */
function staysInside(state: AcpState, toolCall: JsonObject): boolean {
  const paths = pathsOf(toolCall);
  return (
    paths.length > 0 &&
    paths.every((path) => {
      const way = relative(state.projectPath, resolve(state.projectPath, path));
      return way !== '' && !way.startsWith('..') && !isAbsolute(way);
    })
  );
}

/** Whether the mode lets this tool go without asking its owner: all in `auto`, edits in the project in `accept-edits`. */
export function goesUnasked(state: AcpState, kind: string, toolCall: JsonObject): boolean {
  if (state.mode === 'auto') return true;
  return state.mode === 'accept-edits' && edits.includes(kind) && staysInside(state, toolCall);
}

/** A tool as its newest mention describes it; what that leaves out stays as it was. */
export function mentioned(state: AcpState, toolCall: JsonObject): OpenTool {
  const id = stringOf(toolCall.toolCallId) || 'tool';
  const before = state.tools.find((tool) => tool.id === id);
  const kind = stringOf(toolCall.kind) || before?.kind || 'other';
  const title = stringOf(toolCall.title) || before?.title || kind;
  const input = { ...before?.input, ...inputOf(kind, title, toolCall) };
  return { id, kind, title, input, told: before?.told ?? 'no', shown: before?.shown ?? 0 };
}

/** Puts a tool into the state, and tells of its start where that is not done. */
export function tell(state: AcpState, tool: OpenTool): Decoded<AcpState> {
  const others = state.tools.filter((other) => other.id !== tool.id);
  if (tool.told === 'yes') return { outputs: [], replies: [], state: { ...state, tools: [...others, tool] } };
  const data = { toolId: tool.id, name: tool.kind, title: shortTitle(tool.kind, tool.title, tool.input), input: tool.input };
  const outputs: Output[] = [{ kind: 'tool.started', ...turnOf(state), data }];
  // From here on only its name is needed.
  return { outputs, replies: [], state: { ...state, tools: [...others, { ...tool, input: {}, told: 'yes' }] } };
}

/** What is asked about a tool. */
export function askedOf(tool: OpenTool, toolCall: JsonObject): { tool: string; title: string; input: JsonObject } {
  const input = inputOf(tool.kind, tool.title, toolCall);
  return { tool: tool.kind, title: shortTitle(tool.kind, tool.title, input), input };
}

function finished(state: AcpState, toolId: string, ok: boolean, whole: string): Output {
  return { kind: 'tool.finished', ...turnOf(state), data: { toolId, ok, output: keptOutput(whole) } };
}

function outputOf(toolCall: JsonObject): string {
  const raw = objectOf(toolCall.rawOutput);
  return textOf(toolCall) || stringOf(raw.output) || stringOf(raw.content) || stringOf(raw.error) || stringOf(raw.message);
}

/** Whether this is about a tool that has ended, or about none that is known when no turn is open. */
function isLate(update: JsonObject, state: AcpState): boolean {
  const id = stringOf(update.toolCallId) || 'tool';
  if (state.tools.some((tool) => tool.id === id)) return false;
  return state.ended?.includes(id) === true || openTurn(state) === null;
}

/** The state in which these tools have ended. */
function withEnded(state: AcpState, ids: readonly string[]): AcpState {
  const ended = [...(state.ended ?? []).filter((id) => !ids.includes(id)), ...ids].slice(-mostEnded);
  return { ...state, tools: state.tools.filter((tool) => !ids.includes(tool.id)), ended };
}

/** `tool_call` and `tool_call_update`: a tool that begins, goes on, or ends. */
export function decodeTool(update: JsonObject, before: AcpState): Decoded<AcpState> {
  if (update.sessionUpdate === 'tool_call_update' && isLate(update, before)) return nothing(before);
  const begun = running(before);
  const ended = endBlock(begun.state);
  const outputs = [...begun.outputs, ...ended.outputs];
  const tool = mentioned(ended.state, update);
  const ends = update.status === 'completed' || update.status === 'failed';
  // Some announce a tool before they know its input.
  const bare = Object.keys(objectOf(update.rawInput)).every((name) => name === 'cwd');
  const waits = update.sessionUpdate === 'tool_call' && update.status === 'pending' && bare;
  if (waits) {
    const tools = [...ended.state.tools.filter((other) => other.id !== tool.id), tool];
    return { outputs, replies: [], state: { ...ended.state, tools } };
  }
  const told = tell(ended.state, tool);
  outputs.push(...told.outputs);
  if (ends) {
    outputs.push(finished(told.state, tool.id, update.status === 'completed', outputOf(update)));
    return { outputs, replies: [], state: withEnded(told.state, [tool.id]) };
  }
  const text = textOf(update);
  if (text.length <= tool.shown) return { outputs, replies: [], state: told.state };
  outputs.push({ kind: 'tool.updated', ...turnOf(told.state), data: { toolId: tool.id, detail: cut(text, maxDetail) } });
  const tools = told.state.tools.map((other) => (other.id === tool.id ? { ...other, shown: text.length } : other));
  return { outputs, replies: [], state: { ...told.state, tools } };
}

/** Ends the tools of which the agent tells no more, as of those that were denied. */
export function endTools(state: AcpState): Decoded<AcpState> {
  const told = state.tools.filter((tool) => tool.told === 'yes');
  const outputs = told.map(({ id }) => finished(state, id, false, 'It did not run to its end.'));
  return {
    outputs,
    replies: [],
    state: withEnded(
      state,
      state.tools.map(({ id }) => id),
    ),
  };
}
