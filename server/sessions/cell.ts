import type { SessionContext } from './context.ts';
import type { Incarnation, PendingLine } from './lifecycle/incarnation.ts';
import type { OpenTurn } from './turns/open-turn.ts';
import { Recording } from './recording.ts';
import type { ScreenAnswer } from './terminal/screens.ts';
import type { SessionEffect, SessionState } from './session-state.ts';

/** What a session remembers. Changed only by `commit` and by the session that owns it, one job at a time. */
export interface Cell {
  readonly context: SessionContext;
  readonly key: { num: number; id: string };
  state: SessionState;
  turn: OpenTurn | null;
  incarnation: Incarnation | null;
  /** Who waits for what a terminal shows, by the id of the question. */
  readonly screens: Map<string, (answer: ScreenAnswer) => void>;
}

/** Runs `body` in one transaction, takes its states over after the commit, and gives the effects that the session has to run. */
export function commit(cell: Cell, body: (recording: Recording) => void): SessionEffect[] {
  const { store, log, clock } = cell.context;
  const recording = log.transact(
    (append) => {
      const started = new Recording(store, cell.key, { session: cell.state, turn: cell.turn, now: clock.now() });
      body(started);
      started.save(append);
      return started;
    },
    ({ session, turn }) => {
      cell.state = session;
      cell.turn = turn;
    },
  );
  return recording.effects;
}

/** Records lines for the agent at the end of `in`, inside a transaction. */
function recordLines(cell: Cell, incarnation: Incarnation, lines: readonly string[]): { lines: PendingLine[]; inSize: number } {
  const bytes = lines.map((line) => Buffer.from(`${line}\n`, 'utf8'));
  const inSize = cell.context.store.incarnations.appendLines(incarnation.id, incarnation.inSize, bytes);
  let offset = incarnation.inSize;
  return { lines: bytes.map((line) => ({ bytes: line, offset: (offset += line.length) - line.length })), inSize };
}

/** What a session has to do after a commit: effects to run, and lines to write to the agent. */
export interface Committed {
  effects: readonly SessionEffect[];
  pending: PendingLine[];
}

/** One transaction for what an agent is told: its lines, the driver's state, and whatever `body` records beside them. */
export function tell(
  cell: Cell,
  incarnation: Incarnation,
  encoded: { lines: readonly string[]; state: unknown },
  body: (recording: Recording, lines: readonly PendingLine[]) => void,
): Committed {
  let pending: PendingLine[] = [];
  let inSize = incarnation.inSize;
  const effects = commit(cell, (recording) => {
    if (encoded.lines.length > 0) ({ lines: pending, inSize } = recordLines(cell, incarnation, encoded.lines));
    if (encoded.state !== incarnation.state) cell.context.store.incarnations.setState(incarnation.id, JSON.stringify(encoded.state));
    body(recording, pending);
  });
  incarnation.state = encoded.state;
  incarnation.inSize = inSize;
  return { effects, pending };
}
