import type { DataOf } from '../contracts/events.ts';

/** What a session may ask of an agent: see DESIGN's permission modes. */
export type PermissionMode = 'ask' | 'accept-edits' | 'plan' | 'auto';
export const allModes: readonly PermissionMode[] = ['ask', 'accept-edits', 'plan', 'auto'];

/** What a driver needs to know to start an agent for a session. */
export interface LaunchRequest {
  /** The agent's own id of the conversation: chosen by us for a new one or a copy, known for one to resume. */
  agentSessionId: string;
  /** Whether the agent knows this conversation already. */
  resume: boolean;
  /** The agent's own id of another conversation, of which this new one begins as a copy. */
  forkOf?: string;
  projectPath: string;
  mode: PermissionMode;
  model: string | null;
  /** How hard its model is to think; null or absent: as the agent does by itself. */
  effort?: string | null;
  /** A folder with files that came with messages; the agent may read there. */
  filesPath: string;
  /** A folder for temporary files, which is removed when the process has ended. */
  temporaryPath: string;
  /** The program, as found by the agents catalogue. */
  command: string;
  /** Of a terminal: what runs in it. */
  terminal?: TerminalLaunch;
}

/** What runs in a terminal, and how large it is. */
export interface TerminalLaunch {
  /** The incarnation's folder, for the multiplexer's socket. */
  folder: string;
  name: string;
  /** A line for the user's shell; null for the shell itself. */
  command: string | null;
  cols: number;
  rows: number;
}

/** How to start an agent. `env` comes on top of the allow-listed environment. */
export interface LaunchSpec {
  file: string;
  args: string[];
  env: Record<string, string>;
}

/** A file that came with a message: an image goes in as content, others are stored and named by their path. */
export type MessagePart = { type: 'image'; mimeType: string; data: string } | { type: 'file'; name: string; path: string };

/** What a session tells an agent. */
export type DriverCommand =
  /** `agentMessageId` is the id under which the agent gets the message, a UUID in lower case. */
  | { kind: 'message'; turnId: string; agentMessageId: string; text: string; parts: MessagePart[] }
  | { kind: 'cancel' }
  | { kind: 'approve'; approvalId: string; always: boolean; updatedInput?: unknown }
  | { kind: 'deny'; approvalId: string; message: string }
  | { kind: 'answer'; questionId: string; answers: Record<string, string> }
  | { kind: 'setModel'; model: string | null }
  | { kind: 'setEffort'; effort: string | null }
  | { kind: 'setMode'; mode: PermissionMode };

/** What a session asks of a terminal. */
export type TerminalCommand =
  /** Bytes as if typed, base64. */
  | { kind: 'input'; data: string }
  | { kind: 'resize'; cols: number; rows: number }
  /** Asks for what it shows, with so many lines that have scrolled out; the answer is an output under this id. */
  | { kind: 'screen'; id: string; lines: number };

/** What a terminal shows at one place of its output. */
export interface Screen {
  cols: number;
  rows: number;
  cursorX: number;
  cursorY: number;
  /** A full-screen program has the screen. */
  alternate: boolean;
  /** Bytes that draw it on a fresh emulator, base64. */
  data: string;
  /** The same as plain text. */
  text: string;
}

/** Kinds that go into the log as they are, with the turn that the driver says they belong to. */
type LoggedKind =
  | 'text'
  | 'thinking'
  | 'message'
  | 'tool.started'
  | 'tool.updated'
  | 'tool.finished'
  | 'plan'
  | 'usage'
  | 'rate-limited'
  | 'compacted'
  | 'notice'
  | 'unknown';

/** What an agent asks, under its own id. `expiresAt` is its own limit, null where it has none; hash and risk are for its session to add. */
export type AskedApproval = Omit<DataOf<'approval.requested'>, 'inputHash' | 'risk' | 'riskReasons'>;
export type AskedQuestion = Pick<DataOf<'question.asked'>, 'questionId' | 'questions'>;

/** How a turn ended, as the agent reported it. */
export interface TurnResult {
  /** Null: what it said last. */
  text: string | null;
  usage: DataOf<'usage'>['usage'] | null;
  costUsd: number | null;
}

/**
 * What a driver makes of a line: closed, discriminated by `kind`, the same for every agent.
 * `messageId` in text, thinking and message is the agent's own name of that message, unique within the turn.
 */
export type Output =
  | { kind: 'ready'; agentSessionId: string | null }
  /** It does not know the conversation that it was to resume or to copy: it will end, or begins a new one, and `ready` follows. */
  | { kind: 'refused'; detail: string }
  /** It works in another mode now than it was told, as after a plan that was approved. */
  | { kind: 'mode'; mode: PermissionMode }
  /** Bytes that a terminal's program wrote, one character each (latin1). */
  | { kind: 'output'; bytes: string }
  | { kind: 'resized'; cols: number; rows: number }
  /** The answer to a question for the screen: what it shows after the outputs before this one. Null: it could not say. */
  | { kind: 'screen'; id: string; screen: Screen | null }
  | { kind: 'turn.acknowledged'; turnId: string }
  | { kind: 'turn.started'; turnId: string }
  /** What a turn used is told before, by a `usage` of its own: the totals are of those. */
  | { kind: 'turn.completed'; turnId: string; result: TurnResult }
  | { kind: 'turn.failed'; turnId: string; code: string; detail: string }
  | { kind: 'turn.cancelled'; turnId: string }
  /** What came under this name as text or thinking is a whole message now, for agents that do not say it again. */
  | { kind: 'said'; turnId?: string; data: { messageId: string } }
  /** The same id with another input is a new request, which takes the place of the old one. */
  | { kind: 'approval.requested'; turnId?: string; data: AskedApproval }
  | { kind: 'question.asked'; turnId?: string; data: AskedQuestion }
  /** The agent no longer wants to know. */
  | { kind: 'approval.resolved'; turnId?: string; data: Pick<DataOf<'approval.resolved'>, 'approvalId' | 'decision' | 'by'> }
  | { kind: 'question.answered'; turnId?: string; data: { questionId: string; by: string } }
  | { [K in LoggedKind]: { kind: K; turnId?: string; data: DataOf<K> } }[LoggedKind];

/** What came of a line or a command. Lines have no LF; the journal adds it. */
export interface Encoded<State> {
  lines: string[];
  state: State;
  /** What can't be done as it was asked for, and is told to clients: the rest is. */
  notices?: DataOf<'notice'>[];
}
export interface Decoded<State> {
  outputs: Output[];
  replies: string[];
  state: State;
}

export interface Capabilities {
  images: boolean;
  resume: boolean;
  cancel: boolean;
  approvals: boolean;
  /** A first message may be written before the agent says that it is ready. */
  earlyMessage: boolean;
  /** It can begin a conversation as a copy of another. */
  fork?: true;
  /** Modes that it can be in, by itself or through its driver's answers. */
  modes?: readonly PermissionMode[];
  /** Its model can be chosen. */
  models?: true;
  /** How hard its model can be told to think, the least first. */
  efforts?: readonly string[];
}

/** How to ask an agent one thing beside its conversation, in a process that reads the question from stdin, answers and ends. */
export interface OneShot {
  /** Starts it on a fork of the conversation `agentSessionId`: neither that conversation nor its process may notice. */
  launch(request: Pick<LaunchRequest, 'agentSessionId' | 'projectPath' | 'model' | 'command'>): LaunchSpec;
  /** The answer in what it printed; null where it has none. Never throws. */
  read(stdout: string): string | null;
}

/** The side of a driver that only terminals have. They take input in place of messages, and their process is all there is of them. */
export interface TerminalSide<State = unknown> {
  encode(command: TerminalCommand, state: State): Encoded<State>;
  /** The pid of the program in the terminal; null before it runs. */
  pid(state: State): number | null;
  /** Its size as it was last asked for. */
  size(state: State): { cols: number; rows: number };
  /** Bytes of input that were handed over and are not acknowledged. */
  unread(state: State): number;
  /** The program in it has ended by itself. */
  hasEnded(state: State): boolean;
}

/**
 * The code that knows one agent's protocol. Pure: no I/O, no timers, no clock; its state is plain JSON and is saved in
 * the same transaction as the events, so that a restarted server goes on in the middle of an exchange.
 */
export interface Driver<State = unknown> {
  readonly agent: string;
  readonly capabilities: Capabilities;
  readonly stateVersion: number;
  /** For agents that can fork a conversation. */
  readonly oneShot?: OneShot;
  /** For terminals. */
  readonly terminal?: TerminalSide<State>;
  /** How lines are decoded; latin1 keeps every byte. Default UTF-8. */
  readonly encoding?: 'latin1';
  /** What the program said that it can do, where that may be less than the capabilities; null before it has said so. */
  offers?(state: State): Pick<Capabilities, 'images' | 'resume'> | null;
  /** State of an older version brought up to this one; null when that can't be done. */
  migrate(old: unknown, version: number): State | null;
  launch(request: LaunchRequest): LaunchSpec;
  /** The first lines of every incarnation, and the state it begins with. */
  begin(request: LaunchRequest): Encoded<State>;
  /** Throws AppError `not-supported` for what the agent can't do, `approval-not-found` or `question-not-found` for what is not open. */
  encode(command: DriverCommand, state: State): Encoded<State>;
  /** Never throws: a line that it doesn't understand becomes an `unknown` output. */
  decode(line: string, state: State): Decoded<State>;
}
