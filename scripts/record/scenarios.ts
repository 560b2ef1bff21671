import { randomUUID } from 'node:crypto';
import type { DriverCommand } from '../../server/agents/driver.ts';
import type { AgentRun } from './agent-run.ts';
import type { AnyCommand } from './transcript.ts';

/** What a scenario can do: start the agent for its conversation, anew or to resume it. */
export interface Stage {
  start(resume: boolean, agentSessionId?: string, forkOf?: string): AgentRun;
}

/** A scenario by name, with the environment that it needs beside the usual. */
export interface Scenario {
  play(stage: Stage): Promise<void>;
  env?: Record<string, string>;
}

/** A message under a new id, or under the given one. */
function message(text: string, id: string = randomUUID()): DriverCommand & { kind: 'message' } {
  return { kind: 'message', turnId: randomUUID(), agentMessageId: id, text, parts: [] };
}

/** One incarnation that is ended when the steps are done. */
function once(steps: (run: AgentRun) => Promise<void>, env?: Record<string, string>): Scenario {
  const play = async (stage: Stage): Promise<void> => {
    const run = stage.start(false);
    await steps(run);
    await run.end();
  };
  return env ? { play, env } : { play };
}

async function turn(run: AgentRun, text: string): Promise<void> {
  run.send(message(text));
  await run.next('turn.completed');
}

const cancelled = once(async (run) => {
  run.send(message('tokens=200 delay=100'));
  for (let token = 0; token < 3; token++) await run.next('text');
  run.send({ kind: 'cancel' });
  await run.next('turn.cancelled');
  await turn(run, 'hello after that');
});

const question = once(async (run) => {
  run.send(message('ask: Which colour?|Red|Blue'));
  const asked = await run.next('question.asked');
  run.send({ kind: 'answer', questionId: asked.data.questionId, answers: { 'Which colour?': 'Blue' } });
  await run.next('turn.completed');
});

const resumed: Scenario = {
  play: async (stage) => {
    const first = stage.start(false);
    await turn(first, 'remember the word marble');
    // The CLI saves the conversation a moment after its result.
    await first.end();
    const second = stage.start(true);
    await turn(second, 'what word');
    await second.end();
  },
};

const repeated = once(async (run) => {
  const id = randomUUID();
  run.send(message('hello once', id));
  await run.next('turn.completed');
  run.send(message('hello once', id));
  await run.next('turn.failed');
});

function approval(text: string, decide: (approvalId: string) => DriverCommand): Scenario {
  return once(async (run) => {
    run.send(message(text));
    run.send(decide((await run.next('approval.requested')).data.approvalId));
    await run.next('turn.completed');
  });
}

const allow = (approvalId: string): DriverCommand => ({ kind: 'approve', approvalId, always: false });
const always = (approvalId: string): DriverCommand => ({ kind: 'approve', approvalId, always: true });
const deny = (approvalId: string): DriverCommand => ({ kind: 'deny', approvalId, message: 'Not today' });
const fewRetries = { CLAUDE_CODE_MAX_RETRIES: '1' };

async function failing(run: AgentRun, text: string): Promise<void> {
  run.send(message(text));
  await run.next('turn.failed');
}

/** Waits until a terminal has printed this. */
async function printed(run: AgentRun, text: string): Promise<void> {
  for (let seen = ''; !seen.includes(text);) seen += (await run.next('output')).bytes;
}

const typed = (text: string): AnyCommand => ({ kind: 'input', data: Buffer.from(text).toString('base64') });

/** What terminals are recorded with: `cat` runs in them. */
export const terminalScenarios: Record<string, Scenario> = {
  typed: once(async (run) => {
    await run.next('ready');
    run.send(typed('hello, wörld\r'));
    await printed(run, 'rld\r\nhello');
    // So long that it is pasted.
    run.send(typed(`${'long '.repeat(30)}\r`));
    await printed(run, 'long \r\nlong');
    run.send(typed('\x04'));
    await run.gone();
  }),
  screens: once(async (run) => {
    await run.next('ready');
    run.send(typed('one\r'));
    await printed(run, 'one\r\none');
    run.send({ kind: 'screen', id: 'first', lines: 0 });
    await run.next('screen');
    run.send({ kind: 'resize', cols: 40, rows: 10 });
    await run.next('resized');
    run.send({ kind: 'screen', id: 'second', lines: 100 });
    await run.next('screen');
    run.send(typed('\x03'));
    await run.gone();
  }),
  early: once(async (run) => {
    // Before the terminal is there.
    run.send(typed('early\r'));
    run.send({ kind: 'resize', cols: 100, rows: 30 });
    await printed(run, 'early\r\nearly');
    run.send(typed('\x04'));
    await run.gone();
  }),
};

export const claudeScenarios: Record<string, Scenario> = {
  hello: once((run) => turn(run, 'hello there')),
  'multi-block': approval('think\nsay: I look first.\nrun: touch first.txt && echo done', allow),
  'tool-allowed': approval('write: ./note.txt some words', allow),
  'tool-always': approval('run: touch always.txt', always),
  'tool-denied': approval('run: touch denied.txt', deny),
  cancelled,
  'cancelled-approval': once(async (run) => {
    run.send(message('run: touch never.txt'));
    await run.next('approval.requested');
    run.send({ kind: 'cancel' });
    await run.next('turn.cancelled');
  }),
  question,
  resumed,
  repeated,
  overloaded: once((run) => failing(run, 'status=529'), fewRetries),
  unauthorized: once((run) => failing(run, 'status=401'), { CLAUDE_CODE_MAX_RETRIES: '0' }),
  'cut-connection': once((run) => turn(run, 'cut\ntokens=6'), fewRetries),
  settings: once(async (run) => {
    await run.next('ready');
    run.send({ kind: 'setModel', model: 'claude-sonnet-4-5' });
    run.send({ kind: 'setMode', mode: 'accept-edits' });
    await turn(run, 'hello in another mode');
    run.send({ kind: 'setModel', model: null });
    await turn(run, 'hello again');
  }),
};

export const echoScenarios: Record<string, Scenario> = {
  hello: once((run) => turn(run, 'hello there')),
  tools: once((run) => turn(run, 'think\ntool: something')),
  'tool-allowed': approval('approve: the thing', allow),
  'tool-denied': approval('approve: the thing', deny),
  cancelled,
  question,
  resumed,
  failed: once((run) => failing(run, 'fail')),
  'unknown-lines': once((run) => turn(run, 'raw: bm90IGpzb24K\nline=100')),
};

/** One incarnation of an agent that takes messages only when it is ready. */
function opened(steps: (run: AgentRun) => Promise<void>): Scenario {
  return once(async (run) => {
    await run.next('ready');
    await steps(run);
  });
}

function askedAndDecided(text: string, decide: (approvalId: string) => DriverCommand): Scenario {
  return opened(async (run) => {
    run.send(message(text));
    run.send(decide((await run.next('approval.requested')).data.approvalId));
    await run.next('turn.completed');
  });
}

/** Cancelled before codex has begun the turn: it would answer that there is none. */
const cancelledEarly = opened(async (run) => {
  run.send(message('tokens=200 delay=100'));
  run.send({ kind: 'cancel' });
  await run.next('turn.cancelled');
  await turn(run, 'hello after that');
});

/** A message during a turn waits in the driver: codex would take it for a part of that turn. */
const secondMessage = opened(async (run) => {
  run.send(message('tokens=30 delay=30'));
  await run.next('text');
  run.send(message('hello after that'));
  await run.next('turn.completed');
  await run.next('turn.completed');
});

/** For agents that speak the Agent Client Protocol. */
export const acpScenarios: Record<string, Scenario> = {
  hello: opened((run) => turn(run, 'hello there')),
  'multi-block': askedAndDecided('think\nsay: I look first.\nrun: touch first.txt && echo done', allow),
  'tool-allowed': askedAndDecided('write: ./note.txt some words', allow),
  'tool-always': opened(async (run) => {
    run.send(message('run: touch always.txt'));
    run.send(always((await run.next('approval.requested')).data.approvalId));
    await run.next('turn.completed');
    await turn(run, 'run: touch always.txt');
  }),
  'tool-denied': opened(async (run) => {
    run.send(message('run: touch denied.txt'));
    run.send(deny((await run.next('approval.requested')).data.approvalId));
    await run.next('turn.completed');
    await turn(run, 'hello after that');
  }),
  cancelled: opened(async (run) => {
    run.send(message('tokens=200 delay=100'));
    for (let token = 0; token < 3; token++) await run.next('text');
    run.send({ kind: 'cancel' });
    await run.next('turn.cancelled');
    await turn(run, 'hello after that');
  }),
  'cancelled-approval': opened(async (run) => {
    run.send(message('run: touch never.txt'));
    await run.next('approval.requested');
    run.send({ kind: 'cancel' });
    await run.next('turn.cancelled');
    await turn(run, 'hello after that');
  }),
  resumed: {
    play: async (stage) => {
      const first = stage.start(false);
      const { agentSessionId } = await first.next('ready');
      await turn(first, 'remember the word marble');
      await first.end();
      const second = stage.start(true, agentSessionId ?? '');
      await second.next('ready');
      await turn(second, 'what word');
      await second.end();
    },
  },
  refused: {
    play: async (stage) => {
      const run = stage.start(true);
      await run.next('refused');
      await run.next('ready');
      await turn(run, 'hello anew');
      await run.end();
    },
  },
  unauthorized: opened((run) => failing(run, 'status=401')),
  settings: opened(async (run) => {
    run.send({ kind: 'setMode', mode: 'plan' });
    await turn(run, 'hello in another mode');
    run.send({ kind: 'setMode', mode: 'accept-edits' });
    await turn(run, 'hello again');
    await turn(run, 'write: ./unasked.txt some words');
  }),
};

export const codexScenarios: Record<string, Scenario> = {
  ...acpScenarios,
  'cancelled-early': cancelledEarly,
  'second-message': secondMessage,
  'cut-connection': opened((run) => failing(run, 'cut\ntokens=6')),
  'rate-limited': opened((run) => failing(run, 'status=429')),
  overloaded: opened((run) => failing(run, 'status=529')),
  forked: {
    play: async (stage) => {
      const first = stage.start(false);
      const { agentSessionId } = await first.next('ready');
      await turn(first, 'remember the word marble');
      await first.end();
      const second = stage.start(false, undefined, agentSessionId ?? '');
      await second.next('ready');
      await turn(second, 'what word');
      await second.end();
    },
  },
  image: opened(async (run) => {
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    run.send({ ...message('hello with an image'), parts: [{ type: 'image', mimeType: 'image/png', data: pixel }] });
    await run.next('turn.completed');
  }),
};
