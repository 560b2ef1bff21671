import type { Usage } from '../../contracts/events.ts';
import type { RecapFacts } from '../../contracts/recap.ts';
import type { TurnState } from '../../contracts/state.ts';
import type { Touched } from './recap-tools.ts';

/** A turn that has not ended, as far as the events tell. */
export interface OpenRecapTurn {
  asked: string | undefined;
  state: TurnState;
  at: number;
  /** What the agent reported last: counted where the turn's end tells nothing. */
  used: { usage: Usage | null; costUsd: number | null };
}

export interface OpenTool {
  turnId: string | undefined;
  title: string;
  /** Null for a tool that only looks. */
  touched: (Touched & { key: string }) | null;
}

export interface OpenRequest {
  turnId: string | undefined;
  kind: 'approval' | 'question';
  title: string;
  at: number;
  /** The approval's tool with its target. */
  key: string | null;
}

/** A map that forgets its oldest entry beyond `max`: what an endless log leaves open must not grow without end. */
export class BoundedMap<V> extends Map<string, V> {
  readonly #max: number;

  constructor(max: number) {
    super();
    this.#max = max;
  }

  /** Sets a value as the newest, also where it was known before. */
  override set(key: string, value: V): this {
    this.delete(key);
    super.set(key, value);
    if (this.size > this.#max) for (const oldest of this.keys()) return (this.delete(oldest), this);
    return this;
  }

  deleteWhere(matches: (value: V) => boolean): void {
    for (const [key, value] of this) if (matches(value)) this.delete(key);
  }
}

/** Adds to a list of which only the newest `max` are kept. */
export function keepNewest<T>(list: T[], item: T, max: number): void {
  list.push(item);
  if (list.length > max) list.shift();
}

/** Counts and lists before anything has happened. */
export function noFacts(): Omit<RecapFacts, 'files' | 'waiting' | 'running' | 'queued'> {
  return {
    since: null,
    until: null,
    counts: { asked: 0, answered: 0, failed: 0, cancelled: 0, fileChanges: 0, commands: 0, failedCommands: 0 },
    asked: [],
    done: [],
    failed: [],
    commands: [],
    exits: [],
    costUsd: null,
    usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  };
}
