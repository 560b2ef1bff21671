import { describe, expect, it } from 'vitest';
import { agentEntry } from '../../config/agents.ts';
import { eventData } from '../../server/contracts/events.ts';
import { claudeDriver } from '../../server/agents/claude/driver.ts';
import { codexDriver } from '../../server/agents/codex/driver.ts';
import { driverOf } from '../../server/agents/catalogue.ts';
import type { Driver, DriverCommand, LaunchRequest, Output } from '../../server/agents/driver.ts';
import { echoDriver } from '../../server/agents/echo/driver.ts';
import { terminalDriver } from '../../server/agents/terminal/driver.ts';
import type { TerminalState } from '../../server/agents/terminal/state.ts';
import { hostileLines, mangledLine, seeded } from './fuzz.ts';
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
  command: 'agent',
};
const turnId = '5f3ad9ab-6f0f-4f6c-8a3c-2b8f6f1f0a01';
const message: DriverCommand & { kind: 'message' } = {
  kind: 'message',
  turnId,
  agentMessageId: 'c0a80101-0000-4000-8000-000000000001',
  text: 'hi',
  parts: [],
};
const endings = ['turn.completed', 'turn.failed', 'turn.cancelled'];
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function turnsSent(transcript: Transcript): string[] {
  return transcript.entries.flatMap((entry) => {
    const command = entry.dir === 'in' || entry.dir === 'command' ? entry.command : undefined;
    return command?.kind === 'message' ? [command.turnId] : [];
  });
}

/** What a transcript proves of any driver. */
function playsBack<S>(driver: Driver<S>, transcript: Transcript): void {
  const { outputs, written, states } = replay(driver, transcript.entries);

  it('writes the lines that the agent got when it was recorded', () => {
    expect(written).toEqual(transcript.entries.flatMap((entry) => (entry.dir === 'in' ? [entry.line] : [])));
  });

  it('gives the same outputs when its state was saved and read again at every line', () => {
    expect(replay(driver, transcript.entries, copy)).toEqual({ outputs, written, states });
  });

  it('becomes ready once an incarnation', () => {
    const incarnations = transcript.entries.filter((entry) => entry.dir === 'begin').length;
    expect(outputs.filter((output) => output.kind === 'ready')).toHaveLength(incarnations);
  });

  it('does not throw on mangled lines, and its state stays plain JSON (seeds 1-20)', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seeded(seed);
      const lines = transcript.entries.map((entry) => (entry.dir === 'out' ? { ...entry, line: mangledLine(entry.line, random) } : entry));
      const entries = lines.filter((entry) => entry.dir !== 'in' || entry.command?.kind === 'message' || driver.terminal !== undefined);
      const broken = replay(driver, entries);
      expect(copy(broken.states.at(-1)), `seed ${seed}`).toEqual(broken.states.at(-1));
      const ends = broken.outputs.filter((output) => endings.includes(output.kind));
      expect(new Set(ends.map((output) => 'turnId' in output && output.turnId)).size, `seed ${seed}`).toBe(ends.length);
    }
  });
}

/** What holds of any driver in this state. */
function takesAnyLine<S>(driver: Driver<S>, stateOf: () => S, where: { turnId?: string }): void {
  it('keeps every line that it does not understand, and never throws', () => {
    const state = stateOf();
    for (const line of ['not json', '', '{"type":"from-the-future","more":[1,2]}', '[1]', 'null']) {
      expect(driver.decode(line, state)).toEqual({ outputs: [{ kind: 'unknown', ...where, data: { line } }], replies: [], state });
    }
    for (const line of hostileLines) {
      const decoded = driver.decode(line, state);
      expect(() => JSON.stringify(decoded)).not.toThrow();
    }
  });

  it('cuts an unknown line that is very long, and says so', () => {
    const [output] = driver.decode('x'.repeat(5_000_000), stateOf()).outputs;
    expect(output).toMatchObject({ kind: 'unknown', data: { truncated: true } });
    expect(output?.kind === 'unknown' && output.data.line.length).toBe(256 * 1024);
  });
}

/** The driver's contract. `opening` is what the agent prints, line by line, until it takes messages. */
function contract<S>(driver: Driver<S>, opening: readonly string[] = []): void {
  const transcripts = transcriptsOf(driver.agent);
  /** The state in which it takes a message, and all the lines that it wrote until then. */
  const opened = (resume = false): { state: S; lines: string[] } => {
    const { lines, state } = driver.begin({ ...request, resume });
    return opening.reduce(
      (at, line) => {
        const decoded = driver.decode(line, at.state);
        return { state: decoded.state, lines: [...at.lines, ...decoded.replies] };
      },
      { state, lines },
    );
  };

  it('has recorded transcripts', () => expect(transcripts.length).toBeGreaterThan(5));

  describe.each(transcripts)('$name', (transcript) => {
    playsBack(driver, transcript);
    const { outputs, states } = replay(driver, transcript.entries);

    it('takes each turn through its steps once and ends it once', () => {
      for (const id of turnsSent(transcript)) {
        const steps = outputs.flatMap((output) =>
          'turnId' in output && output.turnId === id && output.kind.startsWith('turn.') ? [output.kind] : [],
        );
        expect(endings).toContain(steps.at(-1));
        expect(steps.slice(0, -1)).toEqual(steps.length > 1 ? ['turn.acknowledged', 'turn.started'] : []);
      }
    });

    it('ends every tool that it began, with its turn at the latest', () => {
      const open = new Set<string>();
      for (const output of outputs) {
        if (output.kind === 'tool.started') expect(open.size).toBeLessThan(open.add(output.data.toolId).size);
        if (output.kind === 'tool.finished') expect(open.delete(output.data.toolId), output.data.toolId).toBe(true);
        if (endings.includes(output.kind)) expect([...open]).toEqual([]);
      }
    });

    it('says nothing of a turn outside of it', () => {
      const open = new Set<string>();
      const ended = new Set<string>();
      for (const output of outputs) {
        if (!('turnId' in output) || output.turnId === undefined) continue;
        expect(ended, JSON.stringify(output)).not.toContain(output.turnId);
        open.add(output.turnId);
        if (endings.includes(output.kind)) ended.add(output.turnId);
      }
      expect([...open].sort()).toEqual([...new Set(turnsSent(transcript))].sort());
    });

    it('streams each message so that its deltas make up its text, under its name', () => {
      const names = outputs.flatMap((output) => (output.kind === 'message' ? [`${output.turnId} ${output.data.messageId}`] : []));
      expect(new Set(names).size).toBe(names.length);
      const streamed = new Map<string, string>();
      for (const output of outputs) {
        if (output.kind !== 'text') continue;
        const name = `${output.turnId} ${output.data.messageId}`;
        streamed.set(name, (streamed.get(name) ?? '') + output.data.delta);
      }
      const messages = outputs.flatMap((output) => (output.kind === 'message' && output.data.text !== '' ? [output] : []));
      const whole = new Map(messages.map((output) => [`${output.turnId} ${output.data.messageId}`, output.data.text]));
      // Some say only that what was streamed is whole.
      const said = outputs.flatMap((output) => (output.kind === 'said' ? [`${output.turnId} ${output.data.messageId}`] : []));
      expect(new Set(said).size).toBe(said.length);
      for (const name of said) if (streamed.has(name)) whole.set(name, streamed.get(name) ?? '');
      // What was said before a cancel, or a codex before a cut, may never be whole.
      if (/^codex-[^/]+\/cut-connection|^(?!claude).*\/cancelled$/.test(transcript.name))
        return expect([...streamed]).toEqual(expect.arrayContaining([...whole]));
      // After cuts the CLI gives up streaming and asks for the whole answer.
      if (transcript.name.endsWith('cut-connection')) expect([...whole.values()]).toEqual(['w1 w2 w3 w4 w5 w6']);
      else expect([...streamed]).toEqual([...whole]);
    });

    it('ends no turn again when the line that ended it is repeated', () => {
      let state: unknown;
      for (const [index, entry] of transcript.entries.entries()) {
        const ended = entry.dir === 'out' && driver.decode(entry.line, state as S).outputs.some((output) => endings.includes(output.kind));
        state = states[index];
        if (!ended) continue;
        const again = driver.decode(entry.line, state as S).outputs;
        expect(again.filter((output) => output.kind.startsWith('turn.'))).toEqual([]);
      }
    });

    it('gives events that fit their schemas', () => {
      const { agent } = eventData;
      // What only its session can know of a request is added there.
      const asked = {
        'approval.requested': agent['approval.requested'].omit({ inputHash: true, risk: true, riskReasons: true }),
        'question.asked': agent['question.asked'].pick({ questionId: true, questions: true }),
        'question.answered': agent['question.answered'].pick({ questionId: true, by: true }),
      };
      const schemas: Record<string, { parse(data: unknown): unknown }> = { ...agent, ...asked };
      for (const output of outputs) if ('data' in output) schemas[output.kind]?.parse(output.data);
    });

    it('decides every approval and question once at most', () => {
      const asked = outputs.flatMap((output) => (output.kind === 'approval.requested' ? [output.data.approvalId] : []));
      const resolved = outputs.flatMap((output) => (output.kind === 'approval.resolved' ? [output.data.approvalId] : []));
      expect(new Set(resolved).size).toBe(resolved.length);
      for (const id of resolved) expect(asked).toContain(id);
    });
  });

  takesAnyLine(driver, () => driver.encode(message, opened().state).state, { turnId });

  it('refuses to decide what is not open, with a code', () => {
    const { state } = driver.begin(request);
    const approval = expect.objectContaining({ code: 'approval-not-found' });
    expect(() => driver.encode({ kind: 'approve', approvalId: 'none', always: false }, state)).toThrow(approval);
    expect(() => driver.encode({ kind: 'deny', approvalId: 'toString', message: '' }, state)).toThrow(approval);
    const question = expect.objectContaining({ code: 'question-not-found' });
    expect(() => driver.encode({ kind: 'answer', questionId: 'none', answers: {} }, state)).toThrow(question);
  });

  it('encodes commands as single lines and does not change the state that it was given', () => {
    const { state } = opened();
    const before = copy(state);
    const sent = driver.encode({ ...message, text: 'two\nlines\u2028three' }, state);
    const cancelled = driver.encode({ kind: 'cancel' }, sent.state);
    expect(sent.lines).toHaveLength(1);
    // Some can't give up a turn before it has begun, and wait.
    expect(cancelled.lines.length).toBeLessThanOrEqual(1);
    for (const line of [...sent.lines, ...cancelled.lines]) expect(line).not.toMatch(/[\n\u2028\u2029]/);
    expect(state).toEqual(before);
  });

  it('resumes with other arguments or lines than it starts with, and keeps its state across its own version only', () => {
    const { state } = driver.begin(request);
    const start = (resume: boolean): unknown => [driver.launch({ ...request, resume }).args, opened(resume).lines];
    expect(start(true)).not.toEqual(start(false));
    expect(driver.migrate(copy(state), driver.stateVersion)).toEqual(state);
    expect(driver.migrate({}, driver.stateVersion + 1)).toBeNull();
  });
}

describe('claude', () => contract(claudeDriver));
describe('echo', () => contract(echoDriver));

describe('terminal', () => {
  // It has keys in place of messages, so that nothing of the contract that is about turns is about it.
  const transcripts = transcriptsOf('terminal');
  it('has recorded transcripts', () => expect(transcripts.length).toBeGreaterThan(2));
  describe.each(transcripts)('$name', (transcript) => {
    playsBack(terminalDriver, transcript);
    it('prints what was typed, and ends with its program', () => {
      const { outputs, states } = replay(terminalDriver, transcript.entries);
      const bytes = outputs.map((output) => (output.kind === 'output' ? output.bytes : '')).join('');
      expect(bytes).not.toContain('7770');
      expect(bytes).toMatch(/\r\n/);
      expect(terminalDriver.terminal?.hasEnded(states.at(-1) as TerminalState)).toBe(true);
      expect(outputs.filter(({ kind }) => kind === 'unknown')).toEqual([]);
    });
  });
  takesAnyLine(terminalDriver, () => terminalDriver.begin(request).state, {});
  it('takes no messages, and keeps its state across its own version only', () => {
    const { state } = terminalDriver.begin(request);
    expect(() => terminalDriver.encode(message, state)).toThrow(expect.objectContaining({ code: 'not-supported' }));
    expect(terminalDriver.migrate(copy(state), terminalDriver.stateVersion)).toEqual(state);
    expect(terminalDriver.migrate({}, terminalDriver.stateVersion + 1)).toBeNull();
  });
});

describe('codex', () => contract(codexDriver, ['{"id":"holdfast-new-thread","result":{"thread":{"id":"t"},"model":"m"}}']));

const acpOpening = [
  '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1,"agentCapabilities":{"loadSession":true}}}',
  '{"jsonrpc":"2.0","id":2,"result":{"sessionId":"s"}}',
];
describe.each(['copilot', 'opencode', 'gemini'])('%s', (agent) => {
  const entry = agentEntry(agent);
  const driver = entry && driverOf(entry);
  if (driver) contract(driver, acpOpening);
});

describe('allowing without being asked', () => {
  it('answers for the user in mode auto, but leaves questions to them', () => {
    const auto = claudeDriver.begin({ ...request, mode: 'auto' }).state;
    const ask = (tool_name: string): { outputs: Output[]; replies: string[] } =>
      claudeDriver.decode(
        JSON.stringify({ type: 'control_request', request_id: 'r', request: { subtype: 'can_use_tool', tool_name, input: {} } }),
        auto,
      );
    expect(ask('Bash').outputs).toEqual([]);
    expect(JSON.parse(ask('Bash').replies[0] ?? '')).toMatchObject({ response: { request_id: 'r', response: { behavior: 'allow' } } });
    expect(ask('AskUserQuestion')).toMatchObject({ outputs: [{ kind: 'question.asked' }], replies: [] });
  });
});
