import { describe, expect, it } from 'vitest';
import { claudeDriver } from '../../server/agents/claude/driver.ts';
import type { DriverCommand, LaunchRequest } from '../../server/agents/driver.ts';
import type { Transcript } from './replay.ts';
import { replay, transcriptsOf } from './replay.ts';

const request: LaunchRequest = {
  agentSessionId: '0b9f1c0e-7b62-4b83-8f3e-0f5a4f5d7a11',
  resume: false,
  projectPath: '/project',
  mode: 'ask',
  model: null,
  filesPath: '/files',
  temporaryPath: '/temporary',
  command: 'claude',
};
const turnId = '5f3ad9ab-6f0f-4f6c-8a3c-2b8f6f1f0a01';
const message: DriverCommand = { kind: 'message', turnId, agentMessageId: 'c0a80101-0000-4000-8000-000000000001', text: 'hi', parts: [] };
const working = claudeDriver.encode(message, claudeDriver.begin(request).state).state;
const decode = (line: unknown, state = working): ReturnType<typeof claudeDriver.decode> => claudeDriver.decode(JSON.stringify(line), state);

/** The transcript as a version without command_lifecycle would have printed it. */
function asOlder(transcript: Transcript): Transcript {
  const entries = transcript.entries
    .filter((entry) => entry.dir !== 'out' || !entry.line.includes('"type":"command_lifecycle"'))
    .map((entry) =>
      entry.dir === 'out'
        ? { ...entry, line: entry.line.replace(/"user_message_uuids?":("[^"]*"|\[[^\]]*\]),?/g, '').replace(',}', '}') }
        : entry,
    );
  return { name: transcript.name, entries };
}

describe.each(transcriptsOf('claude'))('$name as an older version would print it', (transcript) => {
  it('gives the same outputs: init, echo and stream prove that a turn goes on', () => {
    const newer = replay(claudeDriver, transcript.entries).outputs;
    const older = replay(claudeDriver, asOlder(transcript).entries).outputs;
    expect(older.filter((output) => output.kind !== 'ready')).toEqual(newer.filter((output) => output.kind !== 'ready'));
  });
});

it('does not end our turn with the result of one that the agent began by itself', () => {
  const announced = decode({ type: 'command_lifecycle', command_uuid: 'another', state: 'completed' }).state;
  const result = { type: 'result', subtype: 'success', is_error: false, result: 'A background task ended.', usage: { input_tokens: 3 } };
  expect(decode(result, announced).outputs.map((output) => output.kind)).toEqual(['usage']);
  const named = { ...result, user_message_uuids: ['another'] };
  expect(decode(named).outputs.map((output) => output.kind)).toEqual(['usage']);
});

it('[SE36] says that it refuses a conversation that it does not know, and leaves the turn to the exit that follows', () => {
  const decoded = decode({
    type: 'result',
    subtype: 'error_during_execution',
    is_error: true,
    errors: ['No conversation found with session ID: x'],
  });
  expect(decoded.outputs).toEqual([{ kind: 'refused', detail: 'No conversation found with session ID: x' }]);
  expect(decoded.state.turn).not.toBeNull();
});

it('reports what a subagent does as progress of its tool, and not as the answer', () => {
  const content = [
    { type: 'text', text: 'Looking' },
    { type: 'tool_use', id: 'b', name: 'Read', input: { file_path: '/a.ts' } },
  ];
  const { outputs } = decode({ type: 'assistant', parent_tool_use_id: 'task', message: { id: 'm', content } });
  expect(outputs).toEqual([
    { kind: 'tool.updated', turnId, data: { toolId: 'task', detail: 'Looking' } },
    { kind: 'tool.updated', turnId, data: { toolId: 'task', detail: 'Read: /a.ts' } },
  ]);
});

it('shows a list of todos as a plan', () => {
  const input = { todos: [{ content: 'Build', status: 'in_progress' }] };
  const { outputs } = decode({
    type: 'assistant',
    message: { id: 'm', content: [{ type: 'tool_use', id: 't', name: 'TodoWrite', input }] },
  });
  expect(outputs.at(-1)).toEqual({ kind: 'plan', turnId, data: { entries: [{ text: 'Build', status: 'in_progress' }] } });
});

it('cuts the output of a tool and says how much is missing', () => {
  const content = [{ type: 'tool_result', tool_use_id: 't', content: 'x'.repeat(100_000) }];
  const [output] = decode({ type: 'user', message: { content } }).outputs;
  expect(output?.kind === 'tool.finished' && output.data.output.slice(65_536)).toBe('\n[cut: 65536 of 100000 characters]');
});

it('allows always by rule, and widens the mode only where the CLI suggests nothing else', () => {
  const ask = (permission_suggestions: unknown[]): unknown => {
    const asked = decode({
      type: 'control_request',
      request_id: 'r',
      request: { subtype: 'can_use_tool', tool_name: 'Write', input: {}, permission_suggestions },
    });
    const { lines } = claudeDriver.encode({ kind: 'approve', approvalId: 'r', always: true }, asked.state);
    return (JSON.parse(lines[0] ?? '') as { response: { response: { updatedPermissions: unknown } } }).response.response.updatedPermissions;
  };
  const rule = { type: 'addRules', rules: [{ toolName: 'Write' }] };
  const mode = { type: 'setMode', mode: 'acceptEdits' };
  expect(ask([rule, mode])).toEqual([rule]);
  expect(ask([mode])).toEqual([mode]);
});

it('leaves the state as it is for a delta', () => {
  const begun = decode({ type: 'stream_event', event: { type: 'message_start', message: { id: 'm' } } }).state;
  const delta = decode(
    { type: 'stream_event', event: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } } },
    begun,
  );
  expect(delta.outputs).toEqual([{ kind: 'text', turnId, data: { messageId: 'm/0', delta: 'a' } }]);
  expect(delta.state).toBe(begun);
});

it('refuses requests of the agent that it does not know, so that the agent does not wait', () => {
  const { replies } = decode({ type: 'control_request', request_id: 'h', request: { subtype: 'hook_callback' } });
  expect(JSON.parse(replies[0] ?? '')).toMatchObject({ response: { subtype: 'error', request_id: 'h' } });
});

it('[AP25] tells of a mode that it was not told to take, and in auto of none', () => {
  const status = (permissionMode?: string) => ({ type: 'system', subtype: 'status', status: null, permissionMode });
  const edits = decode(status('acceptEdits'));
  expect(edits.outputs).toEqual([{ kind: 'mode', mode: 'accept-edits' }]);
  expect(decode(status('acceptEdits'), edits.state).outputs).toEqual([]);
  expect(decode(status('default'), edits.state).outputs).toEqual([{ kind: 'mode', mode: 'ask' }]);
  for (const other of ['default', 'bypassPermissions', undefined]) expect(decode(status(other)).outputs).toEqual([]);
  const told = claudeDriver.encode({ kind: 'setMode', mode: 'plan' }, working).state;
  expect(decode(status('plan'), told).outputs).toEqual([]);
  const auto = claudeDriver.encode({ kind: 'setMode', mode: 'auto' }, working).state;
  expect(decode(status('plan'), auto)).toMatchObject({ outputs: [], state: { mode: 'auto' } });
});

it('[AP7] says what it would allow always', () => {
  const edits = { type: 'setMode', mode: 'acceptEdits', destination: 'session' };
  const rule = { type: 'addRules', rules: [{ toolName: 'Bash', ruleContent: 'ls:*' }], behavior: 'allow' };
  const label = (...permission_suggestions: object[]) => {
    const request = { subtype: 'can_use_tool', tool_name: 'Write', input: {}, permission_suggestions };
    const [asked] = decode({ type: 'control_request', request_id: 'r', request }).outputs;
    return asked?.kind === 'approval.requested' ? asked.data.options[1]?.label : undefined;
  };
  expect(label(edits)).toBe('Allow all edits in this session');
  expect(label(edits, { type: 'addDirectories', directories: ['/srv'] })).toBe('Allow all edits in this session, also in /srv');
  expect(label(edits, rule)).toBe('Always allow ls:*');
});

it('[AG9] interrupts again where the agent had not begun the turn, which it says with what is still queued', () => {
  const working = claudeDriver.encode(message, claudeDriver.begin(request).state).state;
  const uuid = message.kind === 'message' ? message.agentMessageId : '';
  const cancelled = claudeDriver.encode({ kind: 'cancel' }, working).state;
  const answered = (queued: string[]): ReturnType<typeof decode> =>
    decode(
      { type: 'control_response', response: { subtype: 'success', request_id: 'holdfast-1', response: { still_queued: queued } } },
      cancelled,
    );
  const begun = { type: 'command_lifecycle', command_uuid: uuid, state: 'started' };
  const again = decode(begun, answered([uuid]).state);
  expect(again.replies.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ request: { subtype: 'interrupt' } }]);
  expect(decode(begun, again.state).replies).toEqual([]);
  expect(decode(begun, answered([]).state).replies).toEqual([]);
});
