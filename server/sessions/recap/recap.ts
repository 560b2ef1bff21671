import { turnEndings, type DataOf, type ExitReason, type NewEvent, type Usage } from '../../contracts/events.ts';
import type { RecapFacts } from '../../contracts/recap.ts';
import type { TurnState } from '../../contracts/state.ts';
import { isoTime } from '../../platform/clock.ts';
import type { OpenRecapTurn, OpenRequest, OpenTool } from './recap-open.ts';
import { BoundedMap, keepNewest, noFacts } from './recap-open.ts';
import { touchedBy, touchKey } from './recap-tools.ts';
import { firstLines, oneLine, shorten } from '../shorten.ts';

/** The kinds of events that a recap is made from; all others can be left unread. */
export const tellingKinds = [
  ...(['turn.accepted', 'turn.written', 'turn.acknowledged', 'turn.started', 'turn.waiting', 'turn.resumed'] as const),
  ...turnEndings,
  ...(['tool.started', 'tool.finished', 'usage', 'session.exited'] as const),
  ...(['approval.requested', 'approval.resolved', 'question.asked', 'question.answered'] as const),
] as const;
type Kind = (typeof tellingKinds)[number];
/** An event of the log with its place; `at` is milliseconds since 1970. */
export type TellingEvent = Extract<NewEvent, { kind: Kind }> & { seq: number; at: number };
type Of<K extends Kind> = Extract<TellingEvent, { kind: K }>;

/** How many of each are kept (open turns: as many as MAX_QUEUED_MESSAGES can be, and the one that runs), and how many characters of each. */
const MOST = { turns: 10_001, tools: 200, requests: 50, asked: 20, done: 20, failed: 10, files: 50, commands: 20, exits: 5 };
const CHARS = { asked: 300, answer: 500, detail: 300, path: 500, command: 300, output: 200, title: 200 };
/** Ends that somebody asked for, or that lose nothing. */
const ordinaryExits = new Set<ExitReason>(['finished', 'killed-by-user', 'hibernated', 'expired']);

/**
 * What happened in a session after a cursor, gathered event by event: bounded whatever the log's size, and continued with new
 * events at any time. Events up to the cursor only tell what was open there (the turn, its tools, approvals).
 */
export class RecapFold {
  readonly from: number;
  /** The last seq that was read, of whatever kind. */
  cursor: number;
  /** The last seq that told something new; `from` while nothing has. */
  told: number;
  readonly #facts = noFacts();
  readonly #turns = new BoundedMap<OpenRecapTurn>(MOST.turns);
  readonly #tools = new BoundedMap<OpenTool>(MOST.tools);
  readonly #requests = new BoundedMap<OpenRequest>(MOST.requests);
  readonly #refused = new BoundedMap<true>(MOST.tools);
  readonly #files = new BoundedMap<{ changes: number; at: number }>(MOST.files);
  /** Whether the event at hand is after `from`. */
  #counts = false;

  /** `start` is where reading begins: `from`, or earlier where a turn was open there. */
  constructor(from: number, start = from) {
    this.from = from;
    this.cursor = start;
    this.told = from;
  }

  /** Takes the next event; one that was taken before changes nothing. */
  take(event: TellingEvent): void {
    if (event.seq <= this.cursor) return;
    this.cursor = event.seq;
    this.#counts = event.seq > this.from;
    if (this.#counts) {
      this.told = event.seq;
      this.#facts.since ??= isoTime(event.at);
      this.#facts.until = isoTime(event.at);
    }
    this.#tell(event);
  }

  /** What is known now; a copy. */
  facts(): RecapFacts {
    const open = [...this.#turns];
    const running = open.find(([, turn]) => turn.state !== 'accepted');
    const tool = running && [...this.#tools.values()].findLast(({ turnId }) => turnId === running[0])?.title;
    return structuredClone({
      ...this.#facts,
      files: [...this.#files].map(([path, { changes, at }]) => ({ path, changes, at: isoTime(at) })),
      waiting: [...this.#requests].map(([id, { kind, title, at }]) => ({ kind, id, title, at: isoTime(at) })),
      running: running
        ? {
            turnId: running[0],
            state: running[1].state,
            ...askedOf(running[1]),
            ...(tool === undefined ? {} : { tool }),
            at: isoTime(running[1].at),
          }
        : null,
      queued: open.length - (running ? 1 : 0),
    });
  }

  #tell(event: TellingEvent): void {
    switch (event.kind) {
      case 'turn.accepted':
        return this.#accepted(event);
      case 'turn.written':
        return this.#move(event, 'written');
      case 'turn.acknowledged':
        return this.#move(event, 'acknowledged');
      case 'turn.started':
        return this.#move(event, 'running');
      case 'turn.waiting':
        return this.#move(event, 'waiting');
      case 'turn.resumed':
        this.#requests.deleteWhere(({ turnId }) => turnId === event.turnId);
        return this.#move(event, 'running');
      case 'turn.completed':
        return this.#completed(event);
      case 'turn.failed':
        return this.#failed(event, event.data.code, event.data.detail);
      case 'turn.interrupted':
        return this.#failed(event, event.data.reason, `The process ended: ${event.data.reason}.`);
      case 'turn.cancelled':
        this.#end(event, 'cancelled');
        return;
      case 'tool.started':
        return this.#toolStarted(event);
      case 'tool.finished':
        return this.#toolFinished(event);
      case 'usage':
        return this.#used(event);
      case 'approval.requested': {
        const { approvalId, tool, title, input } = event.data;
        const touched = touchedBy(tool, input);
        return this.#request(event, approvalId, 'approval', title, touched && touchKey(tool, touched));
      }
      case 'question.asked': {
        const { questionId, questions } = event.data;
        return this.#request(event, questionId, 'question', questions.map(({ question }) => question).join(' · '), null);
      }
      case 'approval.resolved':
        return this.#resolved(event.data);
      case 'question.answered':
        this.#requests.delete(event.data.questionId);
        return;
      case 'session.exited':
        return this.#exited(event);
    }
  }

  #accepted({ turnId, data, at }: Of<'turn.accepted'>): void {
    if (turnId === undefined) return;
    const names = data.attachments.map(({ name }) => name).join(', ');
    const asked = oneLine(data.text, CHARS.asked) || oneLine(names, CHARS.asked);
    this.#turns.set(turnId, { asked, state: 'accepted', at, used: { usage: null, costUsd: null } });
    if (!this.#counts) return;
    this.#facts.counts.asked += 1;
    keepNewest(this.#facts.asked, { turnId, text: asked, at: isoTime(at) }, MOST.asked);
  }

  #move({ turnId, at }: TellingEvent, state: TurnState): void {
    const turn = turnId === undefined ? undefined : this.#turns.get(turnId);
    if (turn) Object.assign(turn, { state, at: turn.state === 'accepted' ? at : turn.at });
  }

  /** Ends a turn with all that was open in it, and counts what it used. */
  #end(
    event: TellingEvent,
    outcome: 'answered' | 'failed' | 'cancelled',
    reported?: { usage: Usage | null; costUsd: number | null },
  ): { turnId: string; asked?: string } | null {
    const { turnId, at } = event;
    if (turnId === undefined) return null;
    const turn = this.#turns.get(turnId);
    this.#turns.delete(turnId);
    for (const [toolId, tool] of this.#tools) if (tool.turnId === turnId) this.#close(toolId, tool, 'unfinished', undefined, at);
    this.#requests.deleteWhere((request) => request.turnId === turnId);
    if (this.#counts) this.#facts.counts[outcome] += 1;
    this.#spend({ usage: reported?.usage ?? turn?.used.usage ?? null, costUsd: reported?.costUsd ?? turn?.used.costUsd ?? null });
    return this.#counts ? { turnId, ...(turn ? askedOf(turn) : {}) } : null;
  }

  #completed(event: Of<'turn.completed'>): void {
    const turn = this.#end(event, 'answered', event.data);
    if (!turn) return;
    keepNewest(this.#facts.done, { ...turn, answer: firstLines(event.data.text, 3, CHARS.answer), at: isoTime(event.at) }, MOST.done);
  }

  #failed(event: Of<'turn.failed' | 'turn.interrupted'>, code: string, detail: string): void {
    const turn = this.#end(event, 'failed');
    if (!turn) return;
    const state = event.kind === 'turn.failed' ? 'failed' : 'interrupted';
    keepNewest(this.#facts.failed, { ...turn, state, code, detail: oneLine(detail, CHARS.detail), at: isoTime(event.at) }, MOST.failed);
  }

  #toolStarted({ turnId, data: { toolId, name, title, input } }: Of<'tool.started'>): void {
    const touched = touchedBy(name, input);
    this.#tools.set(toolId, {
      turnId,
      title: oneLine(title, CHARS.title),
      touched: touched && { ...touched, key: touchKey(name, touched) },
    });
  }

  #toolFinished({ data: { toolId, ok, output }, at }: Of<'tool.finished'>): void {
    const tool = this.#tools.get(toolId);
    if (!tool) return;
    const refused = tool.touched !== null && this.#refused.delete(tool.touched.key);
    this.#close(toolId, tool, ok ? 'ok' : refused ? 'refused' : 'failed', output, at);
  }

  #close(
    toolId: string,
    { touched }: OpenTool,
    outcome: RecapFacts['commands'][number]['outcome'],
    output: string | undefined,
    at: number,
  ): void {
    this.#tools.delete(toolId);
    if (!this.#counts || !touched) return;
    const { counts, commands } = this.#facts;
    if (touched.kind === 'file') {
      if (outcome !== 'ok') return;
      counts.fileChanges += 1;
      const path = shorten(touched.path, CHARS.path);
      this.#files.set(path, { changes: (this.#files.get(path)?.changes ?? 0) + 1, at });
      return;
    }
    counts.commands += Number(outcome !== 'refused');
    counts.failedCommands += Number(outcome === 'failed');
    const last = outcome === 'failed' && output !== undefined ? lastLine(output) : '';
    const command = oneLine(touched.command, CHARS.command);
    keepNewest(commands, { command, outcome, ...(last === '' ? {} : { output: last }), at: isoTime(at) }, MOST.commands);
  }

  #used({ turnId, data }: Of<'usage'>): void {
    const turn = turnId === undefined ? undefined : this.#turns.get(turnId);
    if (turn) turn.used = data;
    // Without a turn the agent did something by itself, as after a background task.
    else if (turnId === undefined) this.#spend(data);
  }

  #spend({ usage, costUsd }: { usage: Usage | null; costUsd: number | null }): void {
    if (!this.#counts) return;
    const total = this.#facts.usage;
    if (usage) for (const key of Object.keys(total) as (keyof Usage)[]) total[key] += usage[key];
    if (costUsd !== null) this.#facts.costUsd = Math.round(((this.#facts.costUsd ?? 0) + costUsd) * 1e6) / 1e6;
  }

  #request({ turnId, at }: TellingEvent, id: string, kind: OpenRequest['kind'], title: string, key: string | null): void {
    this.#requests.set(id, { turnId, kind, title: oneLine(title, CHARS.title), at, key });
  }

  #resolved({ approvalId, decision }: DataOf<'approval.resolved'>): void {
    const key = this.#requests.get(approvalId)?.key ?? null;
    this.#requests.delete(approvalId);
    if (key === null) return;
    if (decision === 'deny' || decision === 'expired') this.#refused.set(key, true);
    else this.#refused.delete(key);
  }

  #exited({ data, at }: Of<'session.exited'>): void {
    this.#tools.clear();
    this.#requests.clear();
    // A turn that is still open was not taken by this process: it waits for the next one.
    for (const turn of this.#turns.values()) turn.state = 'accepted';
    if (!this.#counts || ordinaryExits.has(data.reason)) return;
    keepNewest(this.#facts.exits, { reason: data.reason, at: isoTime(at) }, MOST.exits);
  }
}

function askedOf({ asked }: OpenRecapTurn): { asked?: string } {
  return asked === undefined ? {} : { asked };
}

function lastLine(output: string): string {
  return oneLine(output.slice(-2_000).trimEnd().split('\n').at(-1) ?? '', CHARS.output);
}
