import type { DataOf, EventKind, NewEvent, SettledReason } from '../contracts/events.ts';
import type { FinalTurnState } from '../contracts/state.ts';
import type { Append, LogKey } from '../events/event-log.ts';
import type { Store } from '../storage/store.ts';
import { settle } from './approvals/settle.ts';
import type { OpenTurn } from './turns/open-turn.ts';
import { derivedId } from './turns/open-turn.ts';
import { partialMessages } from './turns/partial-messages.ts';
import type { SessionEffect, SessionInput, SessionState } from './session-state.ts';
import { transition as sessionTransition } from './session-state.ts';
import type { TurnInput } from './turns/turn-state.ts';
import { transition as turnTransition } from './turns/turn-state.ts';

/** How a turn ended: the data of its last event. */
export type Ending =
  | { state: 'completed'; text: string; usage: DataOf<'turn.completed'>['usage']; costUsd: number | null }
  | { state: 'failed'; code: string; detail: string }
  | { state: 'cancelled' }
  | { state: 'interrupted'; reason: string };

/**
 * What one transaction changes in a session: built up, then written with `save`. The session takes the new states over
 * only after the commit, so a transaction that fails (a full disk) leaves memory and store as they were.
 */
export class Recording {
  readonly events: NewEvent[] = [];
  readonly effects: SessionEffect[] = [];
  turn: OpenTurn | null;
  session: SessionState;
  readonly now: number;
  readonly #store: Store;
  readonly #key: LogKey;
  readonly #before: SessionState;
  /** Things that need to know the `seq` of the event with this index. */
  readonly #afterwards: { index: number; write: (seq: number) => void }[] = [];

  constructor(store: Store, key: LogKey, at: { session: SessionState; turn: OpenTurn | null; now: number }) {
    this.#store = store;
    this.#key = key;
    this.session = at.session;
    this.#before = at.session;
    this.turn = at.turn;
    this.now = at.now;
  }

  add(event: NewEvent): void {
    this.events.push(event);
  }

  /** An event of the open turn. The pair of kind and data is checked by the caller's types. */
  addToTurn<K extends EventKind>(channel: string, kind: K, data: DataOf<K>, turnId: string | undefined = this.turn?.id): void {
    this.events.push({ channel, kind, data, ...(turnId === undefined ? {} : { turnId }) } as unknown as NewEvent);
  }

  moveSession(input: SessionInput): void {
    const { state, effects } = sessionTransition(this.session, input);
    this.session = state;
    this.effects.push(...effects);
  }

  /** Moves the open turn and logs the steps that this took. `waits` says for what. */
  moveTurn(input: TurnInput, waits?: DataOf<'turn.waiting'>): void {
    const turn = this.turn;
    if (!turn) return;
    const { state, steps } = turnTransition(turn.state, input);
    if (state === turn.state) return;
    this.turn = { ...turn, state };
    this.#store.turns.setState(turn.id, state);
    for (const step of steps) {
      if (step === 'turn.written') this.#store.turns.setWritten(turn.id, this.now);
      if (step === 'turn.waiting') {
        if (waits) this.addToTurn('turn', step, waits);
      } else this.addToTurn('turn', step, {});
    }
  }

  markFirstToken(): void {
    if (!this.turn || this.turn.firstTokenAt !== null) return;
    this.turn = { ...this.turn, firstTokenAt: this.now };
    this.#store.turns.setFirstToken(this.turn.id, this.now);
  }

  /** Stores a whole message in the history, under an id that is the same again after a restart. */
  addMessage(agentMessageId: string, text: string, partial: boolean): void {
    const turnId = this.turn?.id ?? null;
    this.#store.messages.insert({
      id: derivedId(turnId ?? this.#key.id, agentMessageId),
      session_num: this.#key.num,
      turn_id: turnId,
      role: 'assistant',
      text,
      partial: Number(partial),
      attachments: null,
      created_at: this.now,
    });
  }

  /** Ends the open turn: what it asked is withdrawn, what it said so far becomes whole messages, and its outcome is logged. */
  endTurn(ending: Ending): void {
    const turn = this.turn;
    if (!turn) return;
    this.withdrawRequests(ending.state === 'interrupted' ? 'process-ended' : 'turn-ended');
    if (ending.state !== 'completed') this.#keepPartialMessages(turn);
    if (ending.state === 'completed' && ending.text !== '' && !this.#store.messages.reply(turn.id)) {
      const messageId = derivedId(turn.id, 'result');
      this.addToTurn('agent', 'message', {
        messageId,
        role: 'assistant',
        text: ending.text,
        blocks: [{ type: 'text', text: ending.text }],
      });
      this.#insertWhole(messageId, ending.text, false);
    }
    this.#close(turn.id, ending);
    this.turn = null;
    this.moveSession({ kind: 'turn-ended' });
  }

  /** Ends a turn that never reached an agent. */
  endQueued(turnId: string, ending: Exclude<Ending, { state: 'completed' }>): void {
    this.#close(turnId, ending);
  }

  /** What the agent had asked and nobody decided is no longer open. */
  withdrawRequests(reason: SettledReason): void {
    const by = reason === 'process-ended' || reason === 'turn-ended' ? 'agent' : 'holdfast';
    for (const request of this.#store.requests.open(this.#key.num)) {
      const event = settle(this.#store, request, { decision: 'withdrawn', by, reason }, this.now);
      if (event) this.add(event);
    }
  }

  /** Calls `write` when it is saved, with the seq of the last event before this. */
  atSeq(write: (seq: number) => void): void {
    this.#afterwards.push({ index: this.events.length - 1, write });
  }

  /** Writes all of it; to be called last, inside the transaction. */
  save(append: Append): void {
    const first = append(this.#key, this.events);
    for (const { index, write } of this.#afterwards) write(first + index);
    if (this.session !== this.#before) this.#store.sessions.update(this.#key.num, storedState(this.session));
  }

  /** What was streamed under this name becomes a whole message. */
  keepSaid(messageId: string): void {
    const turn = this.turn;
    const found = turn && partialMessages(this.#store, this.#key, turn, this.events).find((message) => message.messageId === messageId);
    if (!found) return;
    const { partial: _, ...message } = found;
    this.addToTurn('agent', 'message', message);
    if (message.text !== '') this.#insertWhole(messageId, message.text, false);
  }

  /** The last whole thing that was said in the open turn. */
  lastWords(): string {
    return (this.turn && this.#store.messages.reply(this.turn.id)?.text) ?? '';
  }

  #keepPartialMessages(turn: OpenTurn): void {
    for (const message of partialMessages(this.#store, this.#key, turn, this.events)) {
      this.addToTurn('agent', 'message', message);
      if (message.text !== '') this.#insertWhole(message.messageId, message.text, true);
    }
  }

  #insertWhole(id: string, text: string, partial: boolean): void {
    const row = { id, session_num: this.#key.num, turn_id: this.turn?.id ?? null, role: 'assistant', text, attachments: null };
    this.#store.messages.insert({ ...row, partial: Number(partial), created_at: this.now });
  }

  #close(turnId: string, ending: Ending): void {
    const { state, ...rest } = ending;
    const durations = this.#durations(turnId);
    const data = state === 'completed' ? { ...rest, ...durations } : rest;
    this.addToTurn('turn', `turn.${state}`, data, turnId);
    const outcome = JSON.stringify(data);
    this.#afterwards.push({
      index: this.events.length - 1,
      write: (seq) => this.#store.turns.end(turnId, state satisfies FinalTurnState, outcome, seq, this.now),
    });
  }

  #durations(turnId: string): { durationMs: number; firstTokenMs: number | null } {
    const turn = this.turn?.id === turnId ? this.turn : null;
    const since = turn?.acceptedAt ?? this.now;
    return {
      durationMs: Math.max(0, this.now - since),
      firstTokenMs: turn?.firstTokenAt === null || turn === null ? null : Math.max(0, turn.firstTokenAt - since),
    };
  }
}

/** The columns of a session's state. */
function storedState(state: SessionState): { state: string; failure: string | null } {
  return { state: state.kind, failure: state.kind === 'failed' ? JSON.stringify({ code: state.code, detail: state.detail }) : null };
}
