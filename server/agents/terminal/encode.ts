import type { Encoded, TerminalCommand } from '../driver.ts';
import { facts } from './screen.ts';
import { historyLines } from './scripts.ts';
import type { Expected, TerminalState } from './state.ts';

/** The one pane of the one window: a terminal's tmux has no other. */
const PANE = '%0';
/** Up to so many bytes are typed; more are pasted, which is ten times as fast but can't carry NUL. */
const MOST_TYPED = 64;
/** Bytes per paste: the time that tmux takes to read a command grows faster than the command. */
const MOST_PASTED = 4_096;

/** A command as lines for tmux, and what their answers will be for. */
export function encode(command: TerminalCommand, before: TerminalState): Encoded<TerminalState> {
  const { lines, state } = linesOf(command, before);
  return state.waiting === null ? { lines, state } : { lines: [], state: { ...state, waiting: [...state.waiting, ...lines] } };
}

function linesOf(command: TerminalCommand, state: TerminalState): Encoded<TerminalState> {
  switch (command.kind) {
    case 'input':
      return typing(Buffer.from(command.data, 'base64'), state);
    case 'resize': {
      const { cols, rows } = command;
      const line = `resize-window -t ${PANE} -x ${cols} -y ${rows}`;
      return { lines: [line], state: expecting({ ...state, cols, rows }, [{ for: 'resize', cols, rows, last: true }]) };
    }
    case 'screen': {
      const { id } = command;
      const lines = Math.min(command.lines, historyLines);
      const line =
        `display-message -p -t ${PANE} '${facts}' ; capture-pane -e -p -N -t ${PANE} -S ${lines === 0 ? 0 : -lines} ; ` +
        `capture-pane -a -q -e -p -N -t ${PANE}`;
      const parts = (['facts', 'lines', 'main'] as const).map((part) => ({ for: 'screen' as const, id, part, last: part === 'main' }));
      return { lines: [line], state: expecting(state, parts) };
    }
  }
}

function expecting(state: TerminalState, expected: Expected[]): TerminalState {
  return { ...state, expected: [...state.expected, ...expected] };
}

function typing(bytes: Buffer, state: TerminalState): Encoded<TerminalState> {
  const lines: string[] = [];
  const expected: Expected[] = [];
  for (let from = 0; from < bytes.length;) {
    const piece = nextPiece(bytes, from);
    from += piece.length;
    if (piece.length > MOST_TYPED) {
      lines.push(`set-buffer -b in -- "${quoted(piece)}" ; paste-buffer -r -d -b in -t ${PANE}`);
      expected.push({ for: 'nothing', bytes: 0, last: false }, { for: 'nothing', bytes: piece.length, last: true });
    } else {
      lines.push(`send-keys -t ${PANE} -H ${piece.toString('hex').replace(/(..)(?!$)/g, '$1 ')}`);
      expected.push({ for: 'nothing', bytes: piece.length, last: true });
    }
  }
  return { lines, state: expecting(state, expected) };
}

/** As much as one command takes: many bytes without NUL, or a few of any kind. */
function nextPiece(bytes: Buffer, from: number): Buffer {
  const nul = bytes.indexOf(0, from);
  const paste = bytes.subarray(from, Math.min(nul < 0 ? bytes.length : nul, from + MOST_PASTED));
  return paste.length > MOST_TYPED ? paste : bytes.subarray(from, from + MOST_TYPED);
}

/** Inside double quotes everything but letters, digits and blanks as octal. */
function quoted(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^A-Za-z0-9 ]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
