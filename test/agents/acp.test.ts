import { describe, expect, it } from 'vitest';
import { agentSecrets } from '../../config/agent-secrets.ts';
import { agentEntry, agents } from '../../config/agents.ts';
import { acpDriver } from '../../server/agents/acp/driver.ts';
import type { AcpState } from '../../server/agents/acp/state.ts';
import type { DriverCommand, LaunchRequest, Output, PermissionMode } from '../../server/agents/driver.ts';
import { AcpProfile } from '../../server/contracts/acp-profile.ts';
import { replay, transcriptsOf } from './replay.ts';

const profile: AcpProfile = {
  args: ['--speak'],
  env: { QUIET: '1' },
  modes: { ask: 'normal', plan: 'planning' },
  quirks: { failureText: '^Error: .+', retryText: 'Retrying', noticeText: '^Info: ', usage: 'process' },
};
const request: LaunchRequest = {
  agentSessionId: 'old',
  resume: false,
  projectPath: '/project',
  mode: 'ask',
  model: null,
  filesPath: '/files',
  temporaryPath: '/temporary',
  command: '/bin/agent',
};
const turnId = '5f3ad9ab-6f0f-4f6c-8a3c-2b8f6f1f0a01';
const message: DriverCommand & { kind: 'message' } = { kind: 'message', turnId, agentMessageId: turnId, text: 'hi', parts: [] };
const login = [{ id: 'login', name: 'Sign in', description: 'Run `agent login`' }];

/** A driver and its state, as a session uses them. */
class Run {
  readonly driver;
  state: AcpState;
  written: Record<string, unknown>[];
  outputs: Output[] = [];

  constructor(with_: AcpProfile = profile, asked: Partial<LaunchRequest> = {}) {
    this.driver = acpDriver('any', with_);
    const { lines, state } = this.driver.begin({ ...request, ...asked });
    this.state = state;
    this.written = lines.map(parse);
  }

  /** Opened, with a session called `s` that has modes. */
  static opened(with_?: AcpProfile, asked?: Partial<LaunchRequest>): Run {
    const run = new Run(with_, asked);
    run.answers({ agentCapabilities: { loadSession: true }, authMethods: login });
    run.answers({ sessionId: 's', modes: { currentModeId: 'normal', availableModes: [] } });
    while (run.state.calls.length > 0) run.answers({});
    return run;
  }

  says(value: unknown): Output[] {
    const { outputs, replies, state } = this.driver.decode(JSON.stringify(value), this.state);
    this.state = state;
    this.written.push(...replies.map(parse));
    this.outputs.push(...outputs);
    return outputs;
  }
  /** Answers our oldest request. */
  answers(result: unknown): Output[] {
    return this.says({ jsonrpc: '2.0', id: this.state.calls[0]?.id, result });
  }
  fails(code: number, text: string, data?: unknown): Output[] {
    return this.says({ jsonrpc: '2.0', id: this.state.calls[0]?.id, error: { code, message: text, data } });
  }
  updates(update: Record<string, unknown>, sessionId = this.state.agentSessionId): Output[] {
    return this.says({ jsonrpc: '2.0', method: 'session/update', params: { sessionId, update } });
  }
  speaks(text: string): Output[] {
    return this.updates({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
  }
  asks(id: number | string, toolCall: Record<string, unknown>): Output[] {
    const options = ['allow_always', 'allow_once', 'reject_once'].map((kind) => ({ optionId: `the ${kind}`, kind, name: kind }));
    return this.says({ jsonrpc: '2.0', id, method: 'session/request_permission', params: { sessionId: 's', toolCall, options } });
  }
  told(command: DriverCommand): Record<string, unknown>[] {
    const { lines, state } = this.driver.encode(command, this.state);
    this.state = state;
    this.written.push(...lines.map(parse));
    return lines.map(parse);
  }
  get last(): Record<string, unknown> | undefined {
    return this.written.at(-1);
  }
}
const parse = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;
const kinds = (outputs: readonly Output[]): string[] => outputs.map(({ kind }) => kind);
const command = { toolCallId: 't', kind: 'execute', title: 'touch x', rawInput: { command: 'touch x' } };

it('[ACP1] starts the program as its entry says, and every entry is one', () => {
  const spec = acpDriver('any', profile).launch(request);
  expect(spec).toEqual({ file: '/bin/agent', args: ['--speak'], env: { QUIET: '1' } });
  const entries = agents.filter(({ driver }) => driver === 'acp');
  expect(entries.map(({ agent }) => agent)).toEqual(['copilot', 'opencode', 'gemini']);
  for (const { acp } of entries) expect(AcpProfile.parse(acp)).toEqual(acp);
  expect(() => AcpProfile.parse({ args: [], quirks: { failureText: '(' } })).toThrow('regular expression');
});

it('[ACP1] talks to an agent without modes, models and quirks', () => {
  const run = new Run({ args: [] });
  run.answers({});
  expect(run.answers({ sessionId: 's' })).toEqual([{ kind: 'ready', agentSessionId: 's' }]);
  expect(run.told(message)).toMatchObject([
    { method: 'session/prompt', params: { sessionId: 's', prompt: [{ type: 'text', text: 'hi' }] } },
  ]);
  run.speaks('Hello.');
  expect(kinds(run.answers({ stopReason: 'end_turn' }))).toEqual(['said', 'turn.completed']);
});

describe('[ACP2] a conversation that is loaded', () => {
  it.each(['copilot', 'opencode', 'gemini'])('is not told again by %s', (agent) => {
    const entry = agentEntry(agent);
    const [resumed] = transcriptsOf(agent).filter(({ name }) => name.endsWith('/resumed'));
    if (!entry?.acp || !resumed) throw new Error('There is no such transcript.');
    const { outputs } = replay(acpDriver(agent, entry.acp), resumed.entries);
    expect(outputs.flatMap((output) => (output.kind === 'text' ? [output.data.delta] : [])).join('')).toBe(
      'I will remember marble.The word is marble.',
    );
    expect(kinds(outputs).filter((kind) => kind === 'ready' || kind === 'refused')).toEqual(['ready', 'ready']);
  });

  it('takes no message before its history has come, where that follows the answer', () => {
    const run = new Run({ args: [], quirks: { replayEnd: 'available_commands_update', loadAs: '  {id}' } }, { resume: true });
    run.answers({ agentCapabilities: { loadSession: true } });
    expect(run.last).toMatchObject({ method: 'session/load', params: { sessionId: '  old' } });
    expect(run.answers({})).toEqual([]);
    expect(run.speaks('What was said before.')).toEqual([]);
    expect(run.updates({ sessionUpdate: 'available_commands_update' })).toEqual([{ kind: 'ready', agentSessionId: 'old' }]);
    expect(run.told(message)).toMatchObject([{ params: { sessionId: '  old' } }]);
  });
});

describe('[ACP3] a conversation that can not be loaded', () => {
  it('is refused, and a new one begins', () => {
    const run = new Run({ args: [], quirks: { loadAs: ' {id}' } }, { resume: true });
    run.answers({ agentCapabilities: { loadSession: true } });
    expect(run.fails(-32602, 'No such session')).toEqual([]);
    expect(run.last).toMatchObject({ method: 'session/load', params: { sessionId: 'old' } });
    expect(run.fails(-32602, 'No such session')).toEqual([{ kind: 'refused', detail: 'No such session' }]);
    expect(run.last).toMatchObject({ method: 'session/new', params: { cwd: '/project', mcpServers: [] } });
    expect(run.answers({ sessionId: 'new' })).toEqual([{ kind: 'ready', agentSessionId: 'new' }]);
  });

  it('is refused by an agent that loads none', () => {
    const run = new Run({ args: [] }, { resume: true });
    expect(kinds(run.answers({ agentCapabilities: {} }))).toEqual(['refused']);
  });

  it('is kept where somebody has to sign in first, and loaded with the next message', () => {
    const run = new Run({ args: [] }, { resume: true });
    run.answers({ agentCapabilities: { loadSession: true }, authMethods: login });
    expect(kinds(run.fails(-32000, 'Authentication required'))).toEqual(['ready', 'notice']);
    run.told(message);
    run.answers({ agentCapabilities: { loadSession: true } });
    expect(run.last).toMatchObject({ method: 'session/load', params: { sessionId: 'old' } });
  });
});

describe('[ACP3] a conversation that can not be loaded now', () => {
  const resumed = (): Run => {
    const run = new Run({ args: [] }, { resume: true });
    run.answers({ agentCapabilities: { loadSession: true }, authMethods: login });
    return run;
  };
  it.each([
    [-32603, 'getaddrinfo ENOTFOUND oauth2.example.com'],
    [-32603, 'fetch failed'],
    [429, 'Slow down'],
    [-32603, "ENOSPC: no space left on device, open 'a'"],
  ])('is kept, and loaded with the next message: %d %s', (code, text) => {
    const run = resumed();
    expect(kinds(run.fails(code, text))).toEqual(['ready', 'notice']);
    run.told(message);
    run.answers({ agentCapabilities: { loadSession: true } });
    expect(run.last).toMatchObject({ method: 'session/load', params: { sessionId: 'old' } });
  });
  it.each([
    [-32000, 'Session old not found'],
    [-32603, 'The catalog index is empty.'],
  ])('is lost where the agent does not know it, however it numbers that: %d %s', (code, text) => {
    expect(resumed().fails(code, text)).toEqual([{ kind: 'refused', detail: text }]);
  });
});

it('[ACP4] says that an agent speaks another version of the protocol', () => {
  const run = new Run();
  expect(run.answers({ protocolVersion: 2 })).toMatchObject([
    { kind: 'ready' },
    { data: { detail: expect.stringContaining('version 2') as string } },
  ]);
  run.told(message);
  expect(run.answers({ protocolVersion: 2 }).at(-1)).toMatchObject({ kind: 'turn.failed', code: 'not-supported' });
});

it('[ACP4] says why no session opens, with each message, and hands the message over when one does', () => {
  const run = new Run();
  run.answers({ authMethods: login });
  run.fails(-32000, 'Authentication required');
  expect(run.told(message)).toMatchObject([{ method: 'initialize' }]);
  run.answers({ authMethods: login });
  expect(run.fails(-32000, 'Authentication required').at(-1)).toEqual({
    kind: 'turn.failed',
    turnId,
    code: 'unauthorized',
    detail: 'Authentication required. Run `agent login`',
  });
  run.told(message);
  run.answers({});
  expect(run.answers({ sessionId: 's' })).toEqual([{ kind: 'ready', agentSessionId: 's' }]);
  expect(run.last).toMatchObject({ method: 'session/prompt' });
});

describe('[ACP5] what the agent asks', () => {
  it.each([
    ['allow', { kind: 'approve', approvalId: '0', always: false }, 'the allow_once'],
    ['allow-always', { kind: 'approve', approvalId: '0', always: true }, 'the allow_always'],
    ['deny', { kind: 'deny', approvalId: '0', message: '' }, 'the reject_once'],
  ] as const)('%s chooses by kind, under its own id', (_, decision, optionId) => {
    const run = Run.opened();
    run.told(message);
    const asked = run.asks(0, command).find(({ kind }) => kind === 'approval.requested');
    expect(asked).toMatchObject({ data: { approvalId: '0', tool: 'execute', title: 'touch x', input: { command: 'touch x' } } });
    expect(run.told(decision)).toEqual([{ jsonrpc: '2.0', id: 0, result: { outcome: { outcome: 'selected', optionId } } }]);
    expect(() => run.told(decision)).toThrow(expect.objectContaining({ code: 'approval-not-found' }) as Error);
  });

  it.each(['fs/read_text_file', 'terminal/create', 'something/new'])('%s is refused at once', (method) => {
    const run = Run.opened();
    run.says({ jsonrpc: '2.0', id: 0, method, params: {} });
    expect(run.last).toMatchObject({ id: 0, error: { code: -32601 } });
  });
});

it('[ACP6] a cancel answers what is open and what comes after it', () => {
  const run = Run.opened();
  run.told(message);
  run.asks(0, command);
  const cancelled = { result: { outcome: { outcome: 'cancelled' } } };
  expect(run.told({ kind: 'cancel' })).toMatchObject([
    { method: 'session/cancel', params: { sessionId: 's' } },
    { id: 0, ...cancelled },
  ]);
  expect(run.asks(1, command)).toEqual([]);
  expect(run.last).toMatchObject({ id: 1, ...cancelled });
  expect(kinds(run.answers({ stopReason: 'cancelled' }))).toEqual(['tool.finished', 'turn.cancelled']);
});

describe('[ACP7] what its owner is asked', () => {
  const edit = (path: string): Record<string, unknown> => ({ toolCallId: 't', kind: 'edit', title: 'Edit', locations: [{ path }] });
  it.each<[PermissionMode, Record<string, unknown>, boolean]>([
    ['ask', edit('/project/a'), true],
    ['ask', command, true],
    ['plan', edit('/project/a'), true],
    ['accept-edits', edit('/project/a/b'), false],
    ['accept-edits', edit('a'), false],
    ['accept-edits', edit('/etc/passwd'), true],
    ['accept-edits', edit('/project/../etc/passwd'), true],
    ['accept-edits', edit('/projects/a'), true],
    ['accept-edits', { toolCallId: 't', kind: 'edit', title: 'Edit' }, true],
    ['accept-edits', command, true],
    ['auto', command, false],
  ])('in %s for %j: %s', (mode, toolCall, isAsked) => {
    const run = Run.opened(profile, { mode });
    run.told(message);
    expect(run.asks(7, toolCall).some(({ kind }) => kind === 'approval.requested')).toBe(isAsked);
    if (!isAsked) expect(run.last).toMatchObject({ id: 7, result: { outcome: { optionId: 'the allow_once' } } });
  });
});

it('[ACP8] a message waits until the mode is set, and goes once', () => {
  const run = Run.opened();
  expect(run.told({ kind: 'setMode', mode: 'plan' })).toMatchObject([{ method: 'session/set_mode', params: { modeId: 'planning' } }]);
  expect(run.told(message)).toEqual([]);
  expect(run.answers({})).toEqual([]);
  expect(run.last).toMatchObject({ method: 'session/prompt' });
  expect(run.state.calls).toHaveLength(1);
});

describe('[ACP9] words that tell of a failed call', () => {
  const failed = 'Error: Failed to get a response; last error: 429 too many';
  const usage = { inputTokens: 3, outputTokens: 2 };
  it('fail the turn when nothing follows and nothing was counted', () => {
    const run = Run.opened();
    run.told(message);
    expect(kinds(run.speaks(failed))).toEqual(['turn.acknowledged', 'turn.started']);
    expect(run.answers({ stopReason: 'end_turn' })).toEqual([{ kind: 'turn.failed', turnId, code: 'rate-limited', detail: failed }]);
  });

  it('are an answer when tokens were counted', () => {
    const run = Run.opened();
    run.told(message);
    run.speaks(failed);
    expect(kinds(run.answers({ stopReason: 'end_turn', usage }))).toEqual(['text', 'said', 'usage', 'turn.completed']);
  });

  it('are an answer when more follows', () => {
    const run = Run.opened();
    run.told(message);
    run.speaks(failed);
    expect(run.speaks(' is what it means.')).toMatchObject([{ data: { delta: failed } }, { data: { delta: ' is what it means.' } }]);
    expect(kinds(run.answers({ stopReason: 'end_turn' }))).toEqual(['said', 'turn.completed']);
  });
});

it.each<[string, (run: Run) => void]>([
  ['a tool', (run) => run.updates({ sessionUpdate: 'tool_call', ...command, status: 'in_progress' })],
  ['a request', (run) => run.asks(0, command)],
  ['a thought', (run) => run.updates({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: 'Hm.' } })],
])('[ACP9] words that look like a failed call stand before %s that follows, and are an answer', (_, follows) => {
  const run = Run.opened();
  run.told(message);
  run.speaks('Error: no such file. I look for it.');
  follows(run);
  expect(kinds(run.outputs).slice(kinds(run.outputs).indexOf('turn.started') + 1)[0]).toBe('text');
  expect(run.answers({ stopReason: 'end_turn' }).at(-1)?.kind).toBe('turn.completed');
});

describe('[ACP10] an end of a turn', () => {
  const end = (how: (run: Run) => void): Output | undefined => {
    const run = Run.opened();
    run.told(message);
    how(run);
    return run.outputs.at(-1);
  };
  it.each([
    ['refusal', 'refused'],
    ['max_tokens', 'max-tokens'],
    ['max_turn_requests', 'max-turns'],
  ])('by %s is %s', (stopReason, code) => {
    const sentence = expect.stringMatching(/\S+ \S+/) as string;
    expect(end((run) => run.answers({ stopReason }))).toEqual({ kind: 'turn.failed', turnId, code, detail: sentence });
  });
  it.each([
    [401, '{"error":{"code":401,"message":"Bad key"}}', 'unauthorized', 'Bad key'],
    [429, 'Slow down', 'rate-limited', 'Slow down'],
    [-32603, 'Internal error: 529 overloaded', 'overloaded', 'Internal error: 529 overloaded'],
    [500, 'terminated', 'api-error', "The model's service failed: terminated"],
    [-32603, '', 'agent-error', 'The agent ended the turn with an error and did not say why.'],
  ])('by error %d %s is %s', (status, text, code, detail) => {
    expect(end((run) => run.fails(status, text))).toEqual({ kind: 'turn.failed', turnId, code, detail });
  });
  it.each([
    ['cancelled', ''],
    ['completed', 'All of it.'],
  ])('by end_turn after a cancel is %s where it said "%s"', (outcome, text) => {
    const ended = end((run) => {
      run.told({ kind: 'cancel' });
      run.speaks(text);
      run.answers({ stopReason: 'end_turn', usage: { inputTokens: 1 } });
    });
    expect(ended?.kind).toBe(`turn.${outcome}`);
  });
  it('by an error after a cancel is cancelled', () => {
    const cancelled = end((run) => {
      run.told({ kind: 'cancel' });
      run.fails(-32603, 'aborted');
    });
    expect(cancelled).toEqual({ kind: 'turn.cancelled', turnId });
  });
});

it('[ACP11] tells what each turn used, and a cost only where it was reported', () => {
  const run = Run.opened();
  const used = (inputTokens: number): Output | undefined => {
    run.told(message);
    return run.answers({ stopReason: 'end_turn', usage: { inputTokens, outputTokens: 1 } }).find(({ kind }) => kind === 'usage');
  };
  expect(used(10)).toMatchObject({ data: { usage: { inputTokens: 10 }, costUsd: null } });
  run.updates({ sessionUpdate: 'usage_update', cost: { amount: 0.5, currency: 'USD' } });
  expect(used(25)).toMatchObject({ data: { usage: { inputTokens: 15 }, costUsd: 0 } });
});

it.each<[string, (run: Run) => Output[]]>([
  ['fails', (run) => run.fails(-32603, 'terminated')],
  ['is cancelled', (run) => run.answers({ stopReason: 'cancelled' })],
])('[ACP11] tells what a turn cost that %s', (_, ends) => {
  const run = Run.opened();
  run.told(message);
  run.updates({ sessionUpdate: 'usage_update', cost: { amount: 0.25, currency: 'USD' } });
  const usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
  expect(ends(run).at(-2)).toEqual({ kind: 'usage', turnId, data: { usage, costUsd: 0.25 } });
  run.told(message);
  expect(kinds(run.answers({ stopReason: 'cancelled' }))).not.toContain('usage');
});

describe('[ACP15] what is told of a tool', () => {
  const update = (run: Run, status: string): Output[] => run.updates({ sessionUpdate: 'tool_call_update', toolCallId: 't', status });
  it('after its end is no news, until the agent uses its name again', () => {
    const run = Run.opened();
    run.told(message);
    run.updates({ sessionUpdate: 'tool_call', ...command, status: 'in_progress' });
    expect(kinds(update(run, 'completed'))).toEqual(['tool.finished']);
    expect([...update(run, 'completed'), ...update(run, 'in_progress')]).toEqual([]);
    expect(kinds(run.updates({ sessionUpdate: 'tool_call', ...command, status: 'in_progress' }))).toEqual(['tool.started']);
  });
  it('after the end of its turn is no news', () => {
    const run = Run.opened();
    run.told(message);
    run.updates({ sessionUpdate: 'tool_call', ...command, status: 'in_progress' });
    run.told({ kind: 'cancel' });
    expect(kinds(run.answers({ stopReason: 'cancelled' }))).toEqual(['tool.finished', 'turn.cancelled']);
    expect(update(run, 'failed')).toEqual([]);
    run.told(message);
    expect(update(run, 'failed')).toEqual([]);
  });
});

describe('[ACP16] the mode that the agent goes into by itself', () => {
  const option = (currentValue: string) => ({
    sessionUpdate: 'config_option_update',
    configOptions: [{ id: 'how', category: 'mode', type: 'select', currentValue, options: [] }],
  });
  it.each([
    ['current_mode_update', { sessionUpdate: 'current_mode_update', currentModeId: 'planning' }],
    ['config_option_update', option('planning')],
  ])('becomes that of the session: %s', (_, update) => {
    const run = Run.opened();
    expect(run.updates(update)).toEqual([{ kind: 'mode', mode: 'plan' }]);
    expect(run.updates(update)).toEqual([]);
  });
  it('is not the one that it still tells of while another is being set', () => {
    const run = Run.opened();
    run.told({ kind: 'setMode', mode: 'plan' });
    expect(run.updates(option('normal'))).toEqual([]);
    expect(run.updates({ sessionUpdate: 'current_mode_update', currentModeId: 'normal' })).toEqual([]);
    run.answers({});
    expect(run.state.mode).toBe('plan');
    expect(run.updates(option('normal'))).toEqual([{ kind: 'mode', mode: 'ask' }]);
  });
});

it('[ACP12] ends a message where a tool begins, and begins another after a failed try', () => {
  const run = Run.opened();
  run.told(message);
  run.speaks('I look first.');
  expect(kinds(run.updates({ sessionUpdate: 'tool_call', ...command, status: 'in_progress' }))).toEqual(['said', 'tool.started']);
  run.updates({ sessionUpdate: 'tool_call_update', toolCallId: 't', status: 'completed' });
  run.speaks('Half of');
  expect(kinds(run.speaks('Info: Retrying...'))).toEqual(['notice']);
  run.speaks('All of it.');
  run.answers({ stopReason: 'end_turn', usage: { inputTokens: 1 } });
  const said = run.outputs.flatMap((output) => (output.kind === 'said' ? [output.data.messageId] : []));
  const texts = run.outputs.flatMap((output) =>
    output.kind === 'text' && said.includes(output.data.messageId) ? [output.data.delta] : [],
  );
  expect(texts).toEqual(['I look first.', 'All of it.']);
});

it('[ACP13] gives a process a secret for each variable that its entry names', () => {
  let count = 0;
  const entry = agentEntry('opencode');
  const secrets = (): Record<string, string> => agentSecrets(entry ?? {}, () => `secret ${++count}`);
  expect(secrets()).toEqual({ OPENCODE_SERVER_PASSWORD: 'secret 1' });
  expect(secrets()).toEqual({ OPENCODE_SERVER_PASSWORD: 'secret 2' });
  expect(agentSecrets({}, () => 'none')).toEqual({});
});

it('[ACP14] hands images over as content, files by their paths, and nothing to an agent that takes no images', () => {
  const image = { type: 'image', mimeType: 'image/png', data: 'AAAA' } as const;
  const file = { type: 'file', name: 'a.txt', path: '/files/a.txt' } as const;
  const command: DriverCommand = { ...message, parts: [image, file] };
  const run = new Run();
  run.answers({ agentCapabilities: { promptCapabilities: { image: true } } });
  run.answers({ sessionId: 's' });
  expect(run.told(command)).toMatchObject([
    { params: { prompt: [image, { type: 'text', text: 'Attached files:\n- a.txt: /files/a.txt' }, { type: 'text', text: 'hi' }] } },
  ]);
  expect(() => Run.opened().told(command)).toThrow(expect.objectContaining({ code: 'not-supported' }) as Error);
  // What it takes is known when it has opened a session: not while somebody has to sign in.
  const closed = new Run();
  closed.answers({});
  closed.fails(-32000, 'Authentication required');
  closed.told(command);
  closed.answers({});
  expect(closed.answers({ sessionId: 's' }).at(-1)).toMatchObject({ kind: 'turn.failed', code: 'not-supported' });
  expect(closed.last).toMatchObject({ method: 'session/new' });
});
