import { AppError } from '../../platform/app-error.ts';
import type { Driver, LaunchRequest } from '../driver.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { launch } from './launch.ts';
import { stateVersion, type TerminalState } from './state.ts';

function begin({ agentSessionId, terminal }: LaunchRequest): { lines: string[]; state: TerminalState } {
  const { cols, rows } = terminal ?? { cols: 80, rows: 24 };
  const empty = { expected: [], reply: null, screen: { facts: '', lines: [] } };
  const state = {
    nonce: agentSessionId,
    cols,
    rows,
    pid: null,
    ended: null,
    held: '',
    unfinished: '',
    waiting: [],
    bracketedPaste: false,
    ...empty,
  };
  // From the start its size is what we say, and nobody else's.
  return encode({ kind: 'resize', cols, rows }, state);
}

/** A shell, or any program, in a tmux of its own that is spoken to in control mode. */
export const terminalDriver: Driver<TerminalState> = {
  agent: 'terminal',
  capabilities: { images: false, resume: false, cancel: false, approvals: false, earlyMessage: false },
  stateVersion,
  encoding: 'latin1',
  migrate: (old, version) => (version === stateVersion ? (old as TerminalState) : null),
  launch,
  begin,
  encode: () => {
    throw new AppError('not-supported', 'A terminal takes no messages: send keys with POST /api/sessions/{id}/input.');
  },
  decode,
  terminal: {
    encode,
    pid: ({ pid }) => pid,
    size: ({ cols, rows }) => ({ cols, rows }),
    unread: ({ expected }) => expected.reduce((sum, one) => sum + (one.for === 'nothing' ? one.bytes : 0), 0),
    hasEnded: ({ ended }) => ended !== null,
  },
};
