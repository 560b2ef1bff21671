import type { Decoded, Output } from '../driver.ts';
import { screenOf } from './screen.ts';
import type { Expected, TerminalState } from './state.ts';

/** The end of an answer of tmux: what it was for is done. */
export function answered(failed: boolean, before: TerminalState): Decoded<TerminalState> {
  const { reply } = before;
  const state = { ...before, reply: null };
  const [expected, ...others] = state.expected;
  if (!reply?.ours || !expected) return { outputs: [], replies: [], state };
  if (failed) return refused(expected, reply.lines, state);
  const after = { ...state, expected: others };
  switch (expected.for) {
    case 'nothing':
      return { outputs: [], replies: [], state: after };
    case 'resize': {
      const { cols, rows } = expected;
      return { outputs: [{ kind: 'resized', cols, rows }], replies: [], state: after };
    }
    case 'screen':
      return shown(expected, reply.lines, after);
  }
}

/** A command did not work: those behind it on its line were not tried. */
function refused(first: Expected, lines: string[], state: TerminalState): Decoded<TerminalState> {
  const last = state.expected.findIndex((expected) => expected.last);
  const after = { ...state, expected: state.expected.slice(last + 1) };
  const detail = Buffer.from(lines.join(' '), 'latin1').toString('utf8').slice(0, 1_000);
  const outputs: Output[] = [{ kind: 'notice', data: { code: 'terminal-refused', detail: `tmux did not do what it was told: ${detail}` } }];
  if (first.for === 'screen') outputs.push({ kind: 'screen', id: first.id, screen: null });
  return { outputs, replies: [], state: after };
}

function shown(expected: Expected & { for: 'screen' }, lines: string[], state: TerminalState): Decoded<TerminalState> {
  if (expected.part === 'facts') return { outputs: [], replies: [], state: { ...state, screen: { facts: lines[0] ?? '', lines: [] } } };
  if (expected.part === 'lines') return { outputs: [], replies: [], state: { ...state, screen: { ...state.screen, lines } } };
  const screen = screenOf({ ...state.screen, main: lines, bracketedPaste: state.bracketedPaste, unfinished: state.unfinished });
  return { outputs: [{ kind: 'screen', id: expected.id, screen }], replies: [], state: { ...state, screen: { facts: '', lines: [] } } };
}
