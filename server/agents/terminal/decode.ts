import type { Decoded, Output } from '../driver.ts';
import { cut } from '../json.ts';
import { markEnd, markStart } from './launch.ts';
import { answered } from './replies.ts';
import type { TerminalState } from './state.ts';

const MOST_UNKNOWN = 256 * 1024;
/** What tmux tells of itself and nobody needs. */
const passedOver =
  /^%(client-detached|client-session-changed|config-error|layout-change|message|paste-buffer-changed|paste-buffer-deleted|pane-mode-changed|session-changed|session-renamed|session-window-changed|sessions-changed|unlinked-window-add|unlinked-window-close|unlinked-window-renamed|window-add|window-close|window-pane-changed|window-renamed|exit)\b/;

/** With `pause-after` a client is told how many milliseconds old its output is. */
const outputBegins = /^%(?:extended-output %0 \d+ :|output %0) /;

const nothing = (state: TerminalState): Decoded<TerminalState> => ({ outputs: [], replies: [], state });

/** A line of tmux's control mode, one character per byte. */
export function decode(line: string, state: TerminalState): Decoded<TerminalState> {
  if (state.reply) {
    const end = /^%(end|error) (.*)$/.exec(line);
    if (end?.[2] !== state.reply.head) return nothing({ ...state, reply: { ...state.reply, lines: [...state.reply.lines, line] } });
    return answered(end[1] === 'error', state);
  }
  const output = outputBegins.exec(line);
  if (output) return printed(unescaped(line.slice(output[0].length)), state);
  const begin = /^%begin (\d+ \d+ (\d+))$/.exec(line);
  if (begin?.[1] !== undefined) return nothing({ ...state, reply: { head: begin[1], ours: begin[2] === '1', lines: [] } });
  if (state.waiting !== null && line.startsWith('%session-changed '))
    return { outputs: [], replies: state.waiting, state: { ...state, waiting: null } };
  if (passedOver.test(line)) return nothing(state);
  const kept = cut(line, MOST_UNKNOWN);
  const data = kept === line ? { line } : { line: kept, truncated: true };
  return { outputs: [{ kind: 'unknown', data }], replies: [], state };
}

/** tmux writes controls and backslashes as three octal digits. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Output of the program, with the shim's marks taken out of it. */
function printed(bytes: string, before: TerminalState): Decoded<TerminalState> {
  const start = markStart(before.nonce);
  const outputs: Output[] = [];
  const replies: string[] = [];
  let state = before;
  let rest = before.held + bytes;
  for (;;) {
    const at = rest.indexOf(start);
    const end = at < 0 ? -1 : rest.indexOf(markEnd, at);
    if (end < 0) break;
    if (at > 0) outputs.push({ kind: 'output', bytes: rest.slice(0, at) });
    state = marked(rest.slice(at + start.length, end), state, outputs, replies);
    rest = rest.slice(end + markEnd.length);
  }
  const sure = rest.length - heldBack(rest, start);
  if (sure > 0) outputs.push({ kind: 'output', bytes: rest.slice(0, sure) });
  const bracketedPaste = pasteMode(rest, state.bracketedPaste);
  return {
    outputs,
    replies,
    state: { ...state, held: rest.slice(sure), bracketedPaste, unfinished: unfinished(state.unfinished, outputs) },
  };
}

function marked(mark: string, state: TerminalState, outputs: Output[], replies: string[]): TerminalState {
  const value = Number(mark.slice(1));
  if (mark.startsWith('+') && state.pid === null) {
    outputs.push({ kind: 'ready', agentSessionId: null });
    return { ...state, pid: value };
  }
  if (mark.startsWith('=') && state.ended === null) {
    // All that the program printed stands before this; the server of the terminal can go.
    replies.push('detach-client');
    return { ...state, ended: value, expected: [...state.expected, { for: 'nothing', bytes: 0, last: true }] };
  }
  return state;
}

/** How many characters at the end belong to a mark, or may turn out to. */
function heldBack(text: string, start: string): number {
  const at = text.indexOf(start);
  // A mark is short: something endless that begins like one is no mark.
  if (at >= 0 && text.length - at < start.length + 32) return text.length - at;
  for (let length = Math.min(start.length - 1, text.length); length > 0; length--)
    if (start.startsWith(text.slice(text.length - length))) return length;
  return 0;
}

function pasteMode(text: string, before: boolean): boolean {
  const on = text.lastIndexOf('\x1b[?2004h');
  const off = text.lastIndexOf('\x1b[?2004l');
  return on === off ? before : on > off;
}

const MOST_UNFINISHED = 4_096;
/** A control sequence, a control string or a character of UTF-8 that is cut off. */
const cutOff =
  /(?:\x1b(?:\[[0-?]*[ -/]*|[ -/]+|[\]PX^_](?:[^\x07\x1b]|\x1b(?!\\))*)?|[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})$/;

/** How the output so far breaks off: whoever begins with the screen of this moment needs it to read what comes next. */
function unfinished(before: string, outputs: readonly Output[]): string {
  const printed = outputs.flatMap((output) => (output.kind === 'output' ? [output.bytes] : []));
  if (printed.length === 0) return before;
  const end = (before + printed.join('')).slice(-MOST_UNFINISHED);
  return cutOff.exec(end)?.[0] ?? '';
}
