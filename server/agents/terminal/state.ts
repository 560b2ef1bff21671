/** Goes up when what is saved changes its meaning. */
export const stateVersion = 1;

/** What the answer to a command that tmux was given is for. tmux answers in order, a group of commands at its first error. */
export type Expected =
  | { for: 'nothing'; bytes: number; last: boolean }
  | { for: 'resize'; cols: number; rows: number; last: boolean }
  | { for: 'screen'; id: string; part: 'facts' | 'lines' | 'main'; last: boolean };

/** Plain JSON, saved with every batch. */
export interface TerminalState {
  /** Part of the marks with which the shim tells where the program begins and ends. */
  nonce: string;
  cols: number;
  rows: number;
  pid: number | null;
  /** Exit code of the program, 128 and more for a signal; null while it runs. */
  ended: number | null;
  /** The end of the output so far that may be the beginning of a mark. */
  held: string;
  /** The program wants pasted text in brackets; tmux does not tell, so it is read from the output. */
  bracketedPaste: boolean;
  /** A sequence or character at the end of the output that is cut off. */
  unfinished: string;
  /** Lines that wait until tmux has the session: its client reads what it is told before it has begun one. Null from then on. */
  waiting: string[] | null;
  expected: Expected[];
  /** The answer that is being read. */
  reply: { head: string; ours: boolean; lines: string[] } | null;
  /** Parts of the screen that were answered. */
  screen: { facts: string; lines: string[] };
}
