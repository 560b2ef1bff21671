import type { Output, PermissionMode } from '../agents/driver.ts';
import type { NewEvent, Usage } from '../contracts/events.ts';
import type { SessionRow } from '../storage/sessions-table.ts';
import { recordRequest, recordTakenBack, type Asker } from './approvals/record-request.ts';
import { loseConversation } from './lifecycle/lost-conversation.ts';
import { derivedId } from './turns/open-turn.ts';
import type { Ending, Recording } from './recording.ts';
import type { ScreenAnswer } from './terminal/screens.ts';
import { storedTerminal } from './terminal/terminal-of.ts';
import type { GivenUp } from './turns/cancel.ts';

/** Whose outputs they are. */
export interface Source extends Asker {
  session: Pick<SessionRow, 'num' | 'id'>;
  pid: number;
  /** Where the screens that a terminal was asked for are put, when all is saved. */
  screens: ScreenAnswer[];
}

/** Turns what a driver made of some lines into events and changes of state, inside the transaction of `recording`. */
export function recordOutputs(source: Source, recording: Recording, outputs: readonly Output[]): void {
  for (const output of outputs) recordOutput(source, recording, output);
}

function recordOutput(source: Source, recording: Recording, output: Output): void {
  const { store, session } = source;
  switch (output.kind) {
    case 'ready':
      return recordReady(source, recording, output.agentSessionId);
    case 'refused':
      return loseConversation(store, recording, session.num, output.detail);
    case 'mode':
      return recordMode(source, recording, output.mode);
    case 'output': {
      const data = { data: Buffer.from(output.bytes, 'latin1').toString('base64') };
      return recording.add({ channel: 'terminal', kind: 'output', data });
    }
    case 'resized':
      return recordSize(source, recording, output);
    case 'screen':
      return recording.atSeq((seq) => source.screens.push({ id: output.id, seq, screen: output.screen }));
    case 'turn.acknowledged':
    case 'turn.started':
      if (output.turnId !== recording.turn?.id) return;
      // From here on the agent has something to resume.
      store.sessions.update(session.num, { resumable: 1, fork_of: null });
      return recording.moveTurn({ kind: output.kind === 'turn.started' ? 'started' : 'acknowledged' });
    case 'turn.completed':
      if (output.turnId === recording.turn?.id) {
        recording.moveTurn({ kind: 'started' });
        // Else a `usage` of its own has told it.
        if (output.result.usage === null) addUsage(source, null, output.result.costUsd);
        recording.endTurn({ state: 'completed', ...output.result, text: output.result.text ?? recording.lastWords() });
      }
      return;
    case 'turn.failed':
      if (output.turnId === recording.turn?.id) recording.endTurn({ state: 'failed', code: output.code, detail: output.detail });
      return;
    case 'turn.cancelled':
      if (output.turnId === recording.turn?.id) recording.endTurn(cancelledOrGivenUp(source, output.turnId));
      return;
    case 'text':
    case 'thinking': {
      recording.markFirstToken();
      const messageId = nameOf(source, recording, output.data.messageId);
      if (!mergeDelta(recording.events.at(-1), output.kind, messageId, output.data.delta)) {
        recording.addToTurn('agent', output.kind, { messageId, delta: output.data.delta }, output.turnId);
      }
      return;
    }
    case 'message': {
      const { data } = output;
      recording.addToTurn('agent', 'message', { ...data, messageId: nameOf(source, recording, data.messageId) }, output.turnId);
      if (data.role === 'assistant' && data.text !== '') recording.addMessage(data.messageId, data.text, data.partial ?? false);
      return;
    }
    case 'said':
      return recording.keepSaid(nameOf(source, recording, output.data.messageId));
    case 'approval.requested':
      return recordRequest(source, recording, { ...output, kind: 'approval' });
    case 'question.asked':
      return recordRequest(source, recording, { ...output, kind: 'question' });
    case 'approval.resolved':
      return recordTakenBack(source, recording, output.data.approvalId);
    case 'question.answered':
      return recordTakenBack(source, recording, output.data.questionId);
    case 'usage':
      addUsage(source, output.data.usage, output.data.costUsd);
      return recording.addToTurn('agent', 'usage', output.data, output.turnId);
    case 'tool.started':
    case 'tool.updated':
    case 'tool.finished':
    case 'plan':
    case 'rate-limited':
    case 'compacted':
    case 'notice':
    case 'unknown':
      return recording.addToTurn('agent', output.kind, output.data, output.turnId);
  }
}

/** A turn that we gave up has failed, for the reason that was stored with the request. */
function cancelledOrGivenUp({ store }: Source, turnId: string): Ending {
  const because = JSON.parse(store.turns.byId(turnId)?.outcome ?? 'null') as GivenUp | null;
  return because ? { state: 'failed', code: because.code, detail: because.detail } : { state: 'cancelled' };
}

function recordReady(source: Source, recording: Recording, agentSessionId: string | null): void {
  const { store, session } = source;
  if (agentSessionId !== null) store.sessions.update(session.num, { agent_session_id: agentSessionId });
  if (recording.session.kind !== 'starting') return;
  store.incarnations.setReady(source.incarnationId, recording.now);
  recording.add({ channel: 'session', kind: 'session.ready', data: { pid: source.pid } });
  recording.moveSession({ kind: 'ready' });
}

/** The session follows its agent, unless its owner has set another mode meanwhile: that holds from the next message on. */
function recordMode({ store, session, incarnationId }: Source, recording: Recording, mode: PermissionMode): void {
  const row = store.sessions.byNum(session.num);
  const incarnation = store.incarnations.byId(incarnationId);
  if (!row || !incarnation) return;
  store.incarnations.setManner(incarnationId, { ...incarnation, mode });
  if (row.mode !== incarnation.mode || row.mode === mode) return;
  store.sessions.update(session.num, { mode });
  recording.add({ channel: 'session', kind: 'session.updated', data: { mode } });
}

/** Another start has the size that this one had last. */
function recordSize({ store, session }: Source, recording: Recording, { cols, rows }: { cols: number; rows: number }): void {
  const row = store.sessions.byNum(session.num);
  const terminal = row && storedTerminal(row);
  if (terminal) store.sessions.update(session.num, { terminal: JSON.stringify({ ...terminal, cols, rows }) });
  recording.add({ channel: 'terminal', kind: 'resized', data: { cols, rows } });
}

let lastName: { turnId: string; agentId: string; id: string } | undefined;

// Every delta of a message asks for the same name: remembering the last one saves a hash per token.
function nameOf(source: Source, recording: Recording, agentId: string): string {
  const turnId = recording.turn?.id ?? source.session.id;
  if (lastName?.turnId !== turnId || lastName.agentId !== agentId) lastName = { turnId, agentId, id: derivedId(turnId, agentId) };
  return lastName.id;
}

/** Deltas that came in one batch are one event. */
function mergeDelta(last: NewEvent | undefined, kind: 'text' | 'thinking', messageId: string, delta: string): boolean {
  if (last?.kind !== kind || last.data.messageId !== messageId) return false;
  last.data.delta += delta;
  return true;
}

/** Adds to the session's totals, whether its turn is completed, fails or is cancelled, or there is none. */
function addUsage(source: Source, usage: Usage | null, costUsd: number | null): void {
  const row = source.store.sessions.byNum(source.session.num);
  if (!row || (usage === null && costUsd === null)) return;
  const before = JSON.parse(row.usage ?? 'null') as Usage | null;
  const total = usage === null ? before : { ...usage };
  if (total && before && usage) for (const key of Object.keys(total) as (keyof Usage)[]) total[key] += before[key];
  source.store.sessions.update(row.num, {
    usage: total && JSON.stringify(total),
    cost_usd: costUsd === null ? row.cost_usd : toMicros((row.cost_usd ?? 0) + costUsd),
  });
}

/** Without the dust of binary fractions. */
function toMicros(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
