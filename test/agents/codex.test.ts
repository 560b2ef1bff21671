import { describe, expect, it } from 'vitest';
import { codexDriver } from '../../server/agents/codex/driver.ts';
import { failureCode } from '../../server/agents/codex/failure.ts';
import type { CodexState } from '../../server/agents/codex/state.ts';
import type { DriverCommand, LaunchRequest, Output, PermissionMode } from '../../server/agents/driver.ts';
import { replay, transcriptsOf } from './replay.ts';

const request: LaunchRequest = {
  agentSessionId: '0b9f1c0e-7b62-4b83-8f3e-0f5a4f5d7a11',
  resume: false,
  projectPath: '/project',
  mode: 'ask',
  model: null,
  filesPath: '/files',
  temporaryPath: '/temporary',
  command: 'codex',
};
const message = (text: string, turnId = text): DriverCommand => ({
  kind: 'message',
  turnId,
  agentMessageId: `m-${turnId}`,
  text,
  parts: [],
});

/** A codex that is played by the test, line by line. */
class Played {
  state: CodexState;
  /** What the driver has written and said since this was last looked at. */
  lines: string[] = [];
  outputs: Output[] = [];

  constructor(change: Partial<LaunchRequest> = {}) {
    this.state = codexDriver.begin({ ...request, ...change }).state;
    this.says({ id: 'holdfast-new-thread', result: { thread: { id: 'thread' }, model: 'own-model' } });
    this.take();
  }

  says(line: unknown): this {
    const { outputs, replies, state } = codexDriver.decode(JSON.stringify(line), this.state);
    // A restart at any line must change nothing.
    this.state = JSON.parse(JSON.stringify(state)) as CodexState;
    this.outputs.push(...outputs);
    this.lines.push(...replies);
    return this;
  }

  tells(method: string, params: object): this {
    return this.says({ method, params: { threadId: 'thread', turnId: 'turn-1', ...params } });
  }

  gets(command: DriverCommand): this {
    const { lines, state } = codexDriver.encode(command, this.state);
    this.state = state;
    this.lines.push(...lines);
    return this;
  }

  take(): { lines: Record<string, unknown>[]; outputs: Output[] } {
    const taken = { lines: this.lines.map((line) => JSON.parse(line) as Record<string, unknown>), outputs: this.outputs };
    this.lines = [];
    this.outputs = [];
    return taken;
  }

  /** A turn that runs. */
  static running(mode: PermissionMode = 'ask'): Played {
    const played = new Played({ mode }).gets(message('hello', 'first'));
    played.says({ id: 'holdfast-turn-1', result: { turn: { id: 'turn-1' } } }).tells('turn/started', { turn: { id: 'turn-1' } });
    played.take();
    return played;
  }
}

const ended = (status: string, more: object = {}): object => ({ turn: { id: 'turn-1', status, items: [], ...more } });
const command = { kind: 'command', itemId: 'tool', command: "/bin/bash -lc 'touch a'", commandActions: [{ command: 'touch a' }] };
const change = (path: string): object => ({
  item: { type: 'fileChange', id: 'tool', changes: [{ path, kind: { type: 'add' }, diff: 'x' }] },
});

describe('a cancel', () => {
  it('[CX2] waits until codex has begun the turn, which it could not interrupt before', () => {
    const played = new Played().gets(message('hello', 'first')).gets({ kind: 'cancel' });
    expect(played.take().lines.map(({ method }) => method)).toEqual(['turn/start']);
    played.says({ id: 'holdfast-turn-1', result: { turn: { id: 'turn-1' } } });
    expect(played.take().lines).toEqual([]);
    played.tells('turn/started', { turn: { id: 'turn-1' } });
    expect(played.take().lines).toMatchObject([{ method: 'turn/interrupt', params: { threadId: 'thread', turnId: 'turn-1' } }]);
    played.tells('turn/completed', ended('interrupted'));
    expect(played.take().outputs).toEqual([{ kind: 'turn.cancelled', turnId: 'first' }]);
  });

  it('[CX5] answers what codex asked, also where that is number 0', () => {
    const played = Played.running().says({ id: 0, method: 'item/commandExecution/requestApproval', params: command });
    expect(played.take().outputs).toMatchObject([{ kind: 'approval.requested', data: { approvalId: '0', title: 'shell: touch a' } }]);
    played.gets({ kind: 'cancel' });
    expect(played.take().lines).toMatchObject([{ method: 'turn/interrupt' }, { id: 0, result: { decision: 'cancel' } }]);
  });
});

it('[CX5] what codex asks after a cancel is answered `cancel`, also in auto, and nobody is asked', () => {
  for (const mode of ['ask', 'auto'] as const) {
    const codex = new Played({ mode })
      .gets(message('one'))
      .tells('turn/started', { turn: { id: 'turn-1' } })
      .gets({ kind: 'cancel' });
    codex.take();
    codex.says({ id: 0, method: 'item/commandExecution/requestApproval', params: { threadId: 'thread', command: 'ls' } });
    expect(codex.take()).toEqual({ lines: [{ id: 0, result: { decision: 'cancel' } }], outputs: [] });
  }
});

it('[CX13] a tool that was cut short ends with its turn, since codex tells no end of it', () => {
  const codex = new Played().gets(message('one')).tells('turn/started', { turn: { id: 'turn-1' } });
  codex.tells('item/started', { item: { type: 'commandExecution', id: 'c1', command: 'sleep 100' } }).gets({ kind: 'cancel' });
  codex.take();
  codex.tells('turn/completed', { turn: { id: 'turn-1', status: 'interrupted' } });
  const { outputs } = codex.take();
  expect(outputs).toMatchObject([{ kind: 'tool.finished', turnId: 'one', data: { toolId: 'c1', ok: false } }, { kind: 'turn.cancelled' }]);
});

describe('what an MCP server wants', () => {
  // As codex 0.169 asks before it uses a tool of an MCP server.
  const about = { codex_approval_kind: 'mcp_tool_call', persist: ['session', 'always'], tool_name: 'touch', tool_params: { name: 'x' } };
  const asks = (codex: Played, change: object = {}): Played =>
    codex.says({
      id: 0,
      method: 'mcpServer/elicitation/request',
      params: {
        ...{ threadId: 'thread', turnId: 'turn-1', serverName: 'files', mode: 'form', _meta: about },
        ...{ message: 'Allow the files MCP server to run tool "touch"?', requestedSchema: { type: 'object', properties: {} } },
        ...change,
      },
    });
  const working = (mode: PermissionMode = 'ask'): Played => {
    const codex = new Played({ mode }).gets(message('one')).tells('turn/started', { turn: { id: 'turn-1' } });
    codex.take();
    return codex;
  };
  const approvalId = '0';
  it.each<[string, DriverCommand, object]>([
    ['allowed', { kind: 'approve', approvalId, always: false }, { action: 'accept', content: {}, _meta: null }],
    ['allowed always', { kind: 'approve', approvalId, always: true }, { action: 'accept', content: {}, _meta: { persist: 'session' } }],
    ['denied', { kind: 'deny', approvalId, message: '' }, { action: 'decline', content: null, _meta: null }],
    ['cancelled', { kind: 'cancel' }, { action: 'cancel', content: null, _meta: null }],
  ])('[CX15] to use a tool is asked as an approval, and %s', (_, decision, result) => {
    const codex = asks(working());
    const data = {
      approvalId,
      tool: 'files.touch',
      title: 'files.touch: Allow the files MCP server to run tool "touch"?',
      input: { name: 'x' },
    };
    expect(codex.take().outputs).toMatchObject([{ kind: 'approval.requested', turnId: 'one', data }]);
    expect(codex.gets(decision).take().lines).toContainEqual({ id: 0, result });
  });
  it('[CX15] is allowed in auto where it is a tool, and asked where the server itself wants to know', () => {
    expect(asks(working('auto')).take()).toMatchObject({ lines: [{ id: 0, result: { action: 'accept' } }], outputs: [] });
    const own = asks(working('auto'), { _meta: null, message: 'Delete all?' }).take();
    expect(own).toMatchObject({
      lines: [],
      outputs: [{ kind: 'approval.requested', data: { tool: 'files', input: { message: 'Delete all?' } } }],
    });
    const options = own.outputs.flatMap((output) => (output.kind === 'approval.requested' ? output.data.options.map(({ id }) => id) : []));
    expect(options).toEqual(['allow', 'deny']);
  });
  it.each([
    ['a form', { requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } }],
    ['a page', { mode: 'url', url: 'https://example.com' }],
  ])('[CX15] is declined where it is %s, and that is said', (_, change) => {
    const { lines, outputs } = asks(working(), change).take();
    expect(lines).toEqual([{ id: 0, result: { action: 'decline', content: null, _meta: null } }]);
    expect(outputs).toMatchObject([{ kind: 'notice', data: { code: 'control-refused' } }]);
  });
});

it('[CX3] a message during a turn is sent when that has ended, so that it does not become a part of it', () => {
  const played = Played.running().gets(message('and then', 'second'));
  expect(played.take().lines).toEqual([]);
  played.tells('turn/completed', ended('completed'));
  expect(played.take()).toMatchObject({
    lines: [{ method: 'turn/start', params: { input: [{ text: 'and then' }], clientUserMessageId: 'm-second' } }],
    outputs: [{ kind: 'turn.completed', turnId: 'first' }],
  });
  // What comes late of the first is no news of the second.
  played.tells('turn/completed', ended('completed')).tells('item/agentMessage/delta', { itemId: 'late', delta: 'late' });
  expect(played.take().outputs).toEqual([]);
});

describe('what codex asks', () => {
  it('[CX4] is answered under its own id, number or text, once', () => {
    for (const id of [0, 7, 'text']) {
      const played = Played.running().says({ id, method: 'item/commandExecution/requestApproval', params: command });
      played.gets({ kind: 'approve', approvalId: String(id), always: false });
      expect(played.take().lines).toEqual([{ id, result: { decision: 'accept' } }]);
      expect(() => played.gets({ kind: 'approve', approvalId: String(id), always: false })).toThrow('is open');
    }
  });

  it('[CX4] may be allowed for as long as codex runs', () => {
    const played = Played.running().says({ id: 1, method: 'item/fileChange/requestApproval', params: { itemId: 'tool' } });
    played.gets({ kind: 'approve', approvalId: '1', always: true });
    expect(played.take().lines).toEqual([{ id: 1, result: { decision: 'acceptForSession' } }]);
  });

  it('[CX4] is granted as it was asked, or not at all, where it is about permissions', () => {
    const permissions = { network: { enabled: true } };
    const ask = { id: 2, method: 'item/permissions/requestApproval', params: { permissions, cwd: '/project' } };
    const allowed = Played.running().says(ask).gets({ kind: 'approve', approvalId: '2', always: true });
    expect(allowed.take().lines).toEqual([{ id: 2, result: { permissions, scope: 'session' } }]);
    const denied = Played.running().says(ask).gets({ kind: 'deny', approvalId: '2', message: '' });
    expect(denied.take().lines).toEqual([{ id: 2, result: { permissions: {}, scope: 'turn' } }]);
  });

  it('[CX6] is denied with the words of its owner, which go into the same turn', () => {
    const played = Played.running().says({ id: 0, method: 'item/commandExecution/requestApproval', params: command });
    played.gets({ kind: 'deny', approvalId: '0', message: 'Not on a Friday.' });
    expect(played.take().lines).toMatchObject([
      { id: 0, result: { decision: 'decline' } },
      { method: 'turn/steer', params: { expectedTurnId: 'turn-1', input: [{ text: 'Not on a Friday.' }] } },
    ]);
  });

  it('[CX4] is a question with its options, answered by the id that codex gave it', () => {
    const questions = [{ id: 'q1', header: 'Choice', question: 'Which?', options: [{ label: 'Red', description: 'r' }] }];
    const played = Played.running().says({ id: 3, method: 'item/tool/requestUserInput', params: { questions } });
    expect(played.take().outputs).toMatchObject([
      { kind: 'question.asked', data: { questionId: '3', questions: [{ question: 'Which?' }] } },
    ]);
    played.gets({ kind: 'answer', questionId: '3', answers: { 'Which?': 'Red' } });
    expect(played.take().lines).toEqual([{ id: 3, result: { answers: { q1: { answers: ['Red'] } } } }]);
  });

  it('[CX12] is refused where nobody here knows it, so that codex does not wait', () => {
    const played = Played.running().says({ id: 0, method: 'attestation/generate', params: {} });
    expect(played.take()).toMatchObject({ lines: [{ id: 0, error: { code: -32601 } }], outputs: [{ data: { code: 'control-refused' } }] });
  });

  it('[CX4] needs no decision any more once codex has settled it', () => {
    const played = Played.running().says({ id: 0, method: 'item/commandExecution/requestApproval', params: command });
    played.take();
    played.tells('serverRequest/resolved', { requestId: 0 }).tells('serverRequest/resolved', { requestId: 0 });
    expect(played.take().outputs).toMatchObject([{ kind: 'approval.resolved', data: { approvalId: '0', decision: 'withdrawn' } }]);
  });
});

describe('a mode', () => {
  const asks = (mode: PermissionMode, path: string, more: object = {}): { lines: unknown[]; outputs: Output[] } => {
    const played = Played.running(mode).tells('item/started', change(path));
    played.take();
    return played.says({ id: 0, method: 'item/fileChange/requestApproval', params: { itemId: 'tool', ...more } }).take();
  };

  it('[CX7] allows changes inside the project in accept-edits, and nothing else', () => {
    expect(asks('accept-edits', '/project/a.txt')).toEqual({ lines: [{ id: 0, result: { decision: 'accept' } }], outputs: [] });
    for (const path of ['/etc/passwd', '/project/../etc/passwd', '/projects/a.txt', 'a.txt']) {
      expect(asks('accept-edits', path).outputs, path).toMatchObject([{ kind: 'approval.requested', data: { tool: 'apply_patch' } }]);
    }
    expect(asks('accept-edits', '/project/a.txt', { grantRoot: '/' }).outputs).toHaveLength(1);
    expect(asks('ask', '/project/a.txt').outputs).toHaveLength(1);
    const run = Played.running('accept-edits').says({ id: 0, method: 'item/commandExecution/requestApproval', params: command });
    expect(run.take().outputs).toHaveLength(1);
  });

  it('[CX7] answers for its owner in auto, but leaves questions to them', () => {
    const played = Played.running('auto').says({ id: 0, method: 'item/commandExecution/requestApproval', params: command });
    expect(played.take()).toEqual({ lines: [{ id: 0, result: { decision: 'accept' } }], outputs: [] });
    played.says({ id: 1, method: 'item/tool/requestUserInput', params: { questions: [{ id: 'q', question: 'Which?' }] } });
    expect(played.take()).toMatchObject({ lines: [], outputs: [{ kind: 'question.asked' }] });
  });

  it('[CX7] and a model hold from the next turn on, and are said once', () => {
    const played = Played.running().gets({ kind: 'setMode', mode: 'plan' }).gets({ kind: 'setModel', model: 'other' });
    played.tells('turn/completed', ended('completed'));
    expect(played.take().lines).toEqual([]);
    const turn = (text: string): unknown => {
      const [line] = played.gets(message(text)).take().lines;
      played.says({ id: line?.['id'], error: { message: 'not now' } }).take();
      return line?.['params'];
    };
    expect(turn('a')).toMatchObject({ sandboxPolicy: { type: 'readOnly' }, model: 'other', approvalPolicy: 'untrusted' });
    const again = turn('b');
    expect(again).not.toHaveProperty('sandboxPolicy');
    expect(again).not.toHaveProperty('model');
    played.gets({ kind: 'setMode', mode: 'ask' }).gets({ kind: 'setModel', model: null });
    expect(turn('c')).toMatchObject({ sandboxPolicy: { type: 'workspaceWrite', networkAccess: false }, model: 'own-model' });
  });
});

describe('a turn that failed', () => {
  it('[CX8] has a code by what codex calls it, by the status of the answer, or by the trouble before', () => {
    const code = (info: unknown, trouble: unknown = null): string =>
      failureCode({ codexErrorInfo: info }, trouble === null ? null : { codexErrorInfo: trouble });
    expect(code('unauthorized')).toBe('unauthorized');
    expect(code('usageLimitExceeded')).toBe('rate-limited');
    expect(code({ httpConnectionFailed: { httpStatusCode: 401 } })).toBe('unauthorized');
    expect(code({ responseTooManyFailedAttempts: { httpStatusCode: 429 } })).toBe('rate-limited');
    expect(code({ httpConnectionFailed: { httpStatusCode: 529 } })).toBe('overloaded');
    expect(code({ responseStreamDisconnected: { httpStatusCode: null } })).toBe('api-error');
    expect(code('other', { responseStreamDisconnected: { httpStatusCode: null } })).toBe('api-error');
    expect(code('contextWindowExceeded')).toBe('context-full');
    expect(code('other')).toBe('agent-error');
    expect(code(null)).toBe('agent-error');
    expect(code({ toString: 1 })).toBe('api-error');
  });

  it('[CX8] has the code that its recording shows', () => {
    const codes = transcriptsOf('codex').flatMap(({ name, entries }) =>
      replay(codexDriver, entries).outputs.flatMap((output) =>
        output.kind === 'turn.failed' ? [[name.split('/')[1], output.code, /\w+ \w+/.test(output.detail)]] : [],
      ),
    );
    expect(codes.sort()).toEqual([
      ['cut-connection', 'api-error', true],
      ['overloaded', 'overloaded', true],
      ['rate-limited', 'rate-limited', true],
      ['unauthorized', 'unauthorized', true],
    ]);
  });

  it('[CX8] was not even begun, where codex refuses it', () => {
    const played = new Played().gets(message('hello', 'first')).says({ id: 'holdfast-turn-1', error: { message: 'no such thread' } });
    expect(played.take().outputs).toEqual([{ kind: 'turn.failed', turnId: 'first', code: 'agent-error', detail: 'no such thread' }]);
  });
});

describe('a conversation', () => {
  it('[CX9] that codex does not know is begun anew in the same process, and that is said', () => {
    const begun = codexDriver.begin({ ...request, resume: true });
    const refused = codexDriver.decode('{"id":"holdfast-thread","error":{"message":"no rollout found"}}', begun.state);
    expect(refused.outputs).toEqual([{ kind: 'refused', detail: 'no rollout found' }]);
    expect(refused.replies.map((line) => (JSON.parse(line) as { method: string }).method)).toEqual(['thread/start']);
    const ready = codexDriver.decode('{"id":"holdfast-new-thread","result":{"thread":{"id":"new"},"model":"m"}}', refused.state);
    expect(ready.outputs).toEqual([{ kind: 'ready', agentSessionId: 'new' }]);
  });

  it('[CX14] that can not begin is tried again with each message, which fails with the reason', () => {
    const begun = codexDriver.begin(request);
    const failed = codexDriver.decode('{"id":"holdfast-new-thread","error":{"message":"no such provider"}}', begun.state);
    expect(failed.outputs).toMatchObject([
      { kind: 'ready', agentSessionId: null },
      { kind: 'notice', data: { code: 'start-failed' } },
    ]);
    const played = new Played();
    played.state = failed.state;
    played.gets(message('hello', 'first'));
    expect(played.take().lines).toMatchObject([{ method: 'thread/start' }]);
    played.says({ id: 'holdfast-new-thread', error: { message: 'no such provider' } });
    expect(played.take().outputs).toEqual([{ kind: 'turn.failed', turnId: 'first', code: 'start-failed', detail: 'no such provider' }]);
    played.gets(message('hello again', 'second')).says({ id: 'holdfast-new-thread', result: { thread: { id: 'thread' }, model: 'm' } });
    const { lines, outputs } = played.take();
    expect(lines.map(({ method }) => method)).toEqual(['thread/start', 'turn/start']);
    expect(outputs).toEqual([{ kind: 'ready', agentSessionId: 'thread' }]);
  });

  it.each([
    'failed to read thread: thread-store internal error: rollout at /home/user/.codex/sessions/a.jsonl is empty',
    'failed to read thread: rollout at /home/user/.codex/sessions/a.jsonl does not start with session metadata',
    'thread 0b9f1c0e-7b62-4b83-8f3e-0f5a4f5d7a11 not found',
  ])('[CX9] of which codex can read nothing any more is begun anew: %s', (text) => {
    const codex = new Played({ resume: true });
    codex.state = codexDriver.begin({ ...request, resume: true }).state;
    codex.says({ id: 'holdfast-thread', error: { code: -32603, message: text } });
    expect(codex.take()).toMatchObject({ outputs: [{ kind: 'refused', detail: text }], lines: [{ method: 'thread/start' }] });
  });

  it('[CX16] that goes on gets the model and the effort of the configuration again where none is chosen', () => {
    const resumed = (config: unknown, change: Partial<LaunchRequest> = {}): Record<string, unknown>[] => {
      const codex = new Played();
      const { lines, state } = codexDriver.begin({ ...request, resume: true, ...change });
      expect(lines.join()).not.toContain('thread/resume');
      codex.state = state;
      codex.says({ id: 'holdfast-models', result: { data: [{ id: 'x', model: 'usual', defaultReasoningEffort: 'low' }] } });
      codex.says({
        id: 'holdfast-config',
        ...(config === null ? { error: { code: -32601, message: 'unknown' } } : { result: { config } }),
      });
      expect(codex.take().lines).toMatchObject([{ method: 'thread/resume' }]);
      codex.says({ id: 'holdfast-thread', result: { thread: { id: 'thread' }, model: change.model ?? 'chosen', reasoningEffort: 'high' } });
      codex.take();
      return codex.gets(message('one')).take().lines;
    };
    expect(resumed({ model: 'usual', model_reasoning_effort: null })).toMatchObject([{ params: { model: 'usual', effort: 'low' } }]);
    expect(resumed({ model: 'usual', model_reasoning_effort: 'minimal' })).toMatchObject([{ params: { effort: 'minimal' } }]);
    const chosen = resumed({ model: 'usual', model_reasoning_effort: 'low' }, { model: 'chosen', effort: 'high' });
    for (const config of [chosen, resumed(null), resumed({ profile: 'mine', model: 'usual' })]) {
      expect(config[0]?.params).not.toHaveProperty('model');
      expect(config[0]?.params).not.toHaveProperty('effort');
    }
  });

  it('[CX9] is not lost where codex only can not open it now', () => {
    const begun = codexDriver.begin({ ...request, resume: true });
    const failed = codexDriver.decode('{"id":"holdfast-thread","error":{"message":"failed to load configuration"}}', begun.state);
    expect(failed).toMatchObject({ outputs: [{ kind: 'ready', agentSessionId: null }, { kind: 'notice' }], replies: [] });
    const again = codexDriver.encode(message('hello'), failed.state).lines.map((line) => JSON.parse(line) as unknown);
    expect(again).toMatchObject([{ method: 'thread/resume', params: { threadId: request.agentSessionId } }]);
  });

  it('[CX2] that is not there yet holds a cancel, too', () => {
    const played = new Played();
    played.state = codexDriver.begin(request).state;
    played.gets(message('hello', 'first')).gets({ kind: 'cancel' });
    played.says({ id: 'holdfast-new-thread', result: { thread: { id: 'thread' }, model: 'm' } });
    expect(played.take()).toMatchObject({ lines: [], outputs: [{ kind: 'ready' }, { kind: 'turn.cancelled', turnId: 'first' }] });
  });

  it('[CX11] of an agent that codex started by itself is not this one, but what that asks is', () => {
    const played = Played.running();
    const other = { threadId: 'other', turnId: 'other-turn' };
    played.says({ method: 'item/agentMessage/delta', params: { ...other, itemId: 'x', delta: 'not ours' } });
    played.says({ method: 'turn/completed', params: { ...other, turn: { id: 'turn-1', status: 'completed' } } });
    expect(played.take().outputs).toEqual([]);
    played.says({ id: 0, method: 'item/commandExecution/requestApproval', params: { ...command, ...other } });
    expect(played.take().outputs).toMatchObject([{ kind: 'approval.requested', turnId: 'first' }]);
  });
});

it('[CX10] what a turn used is what is new since the one before; told again it adds nothing, and the cache is apart', () => {
  const played = Played.running();
  const told = (total: object): object => ({ tokenUsage: { total, last: total } });
  const used = { inputTokens: 100, cachedInputTokens: 40, cacheWriteInputTokens: 10, outputTokens: 5 };
  played.tells('thread/tokenUsage/updated', told(used)).tells('thread/tokenUsage/updated', told(used));
  played.tells('turn/completed', ended('completed'));
  const usage = { inputTokens: 50, outputTokens: 5, cacheReadTokens: 40, cacheWriteTokens: 10 };
  expect(played.take().outputs).toMatchObject([
    { kind: 'usage', data: { usage } },
    { kind: 'turn.completed', result: { usage } },
  ]);
});

describe('what else codex tells', () => {
  it('[CX13] shows its plan, its limits once, its retries, and that it compacted the conversation', () => {
    const played = Played.running();
    played.tells('turn/plan/updated', { plan: [{ step: 'Look', status: 'inProgress' }] });
    const full = { rateLimits: { primary: { usedPercent: 100, resetsAt: 1_800_000_000 } } };
    played.tells('account/rateLimits/updated', full).tells('account/rateLimits/updated', full);
    played.tells('error', { willRetry: true, error: { message: 'Reconnecting', additionalDetails: 'stream disconnected' } });
    played.tells('item/completed', { item: { type: 'contextCompaction', id: 'c' } });
    expect(played.take().outputs).toMatchObject([
      { kind: 'plan', data: { entries: [{ text: 'Look', status: 'in_progress' }] } },
      { kind: 'rate-limited', data: { resetsAt: '2027-01-15T08:00:00.000Z' } },
      { kind: 'notice', data: { code: 'api-retry', detail: expect.stringContaining('stream disconnected') as string } },
      { kind: 'compacted' },
    ]);
  });

  it('[CX13] shows a tool that appears only when it is done as one that began and ended', () => {
    const played = Played.running().tells('item/completed', { item: { type: 'webSearch', id: 'w', query: 'holdfast' } });
    expect(played.take().outputs).toMatchObject([
      { kind: 'tool.started', data: { toolId: 'w', title: 'web_search: holdfast' } },
      { kind: 'tool.finished', data: { toolId: 'w', ok: true } },
    ]);
  });

  it('[CX13] keeps an item of a kind that nobody knows, and passes over those that are no news', () => {
    const codex = new Played().gets(message('one')).tells('turn/started', { turn: { id: 'turn-1' } });
    codex.take();
    codex
      .tells('item/completed', { item: { type: 'fromTheFuture', id: 'f1' } })
      .tells('item/completed', { item: { type: 'userMessage', id: 'u1' } });
    expect(codex.take().outputs).toMatchObject([{ kind: 'unknown', turnId: 'one' }]);
  });

  it('[CX13] keeps what nobody knows whole', () => {
    const line = { method: 'thread/from-the-future', params: {} };
    expect(Played.running().says(line).take().outputs).toMatchObject([{ kind: 'unknown', data: { line: JSON.stringify(line) } }]);
  });
});
