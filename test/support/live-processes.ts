import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { ActiveView } from '../../server/contracts/views.ts';
import { readTable } from '../../server/process/process-table.ts';
import type { Holdfast } from './holdfast.ts';

/** Every live process of this server's agents, by the mark in its environment: wrapper, tail, agent, and what they started. */
export function markedPids(holdfast: Holdfast): Map<number, string> {
  const ours = new Set(holdfast.incarnations().map((folder) => basename(folder)));
  const marked = new Map<number, string>();
  for (const row of readTable().values()) {
    const incarnation = row.mark?.slice(row.mark.indexOf('/') + 1);
    if (incarnation !== undefined && !row.zombie && ours.has(incarnation)) marked.set(row.pid, incarnation);
  }
  return marked;
}

/** The incarnations of which a process lives. */
export function liveIncarnations(holdfast: Holdfast): Set<string> {
  return new Set(markedPids(holdfast).values());
}

/** The state of a process as one letter, such as T for stopped; '' when it is gone. */
export function stateOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3);
  } catch {
    return '';
  }
}

export async function active(holdfast: Holdfast): Promise<ActiveView> {
  return (await holdfast.client.call<ActiveView>('GET', '/api/sessions/active')).body;
}

/** Looks again and again, in the pool and in the process table, until told to stop: the most live processes that each has seen. */
export class Census {
  readonly #holdfast: Holdfast;
  #running = true;
  readonly #done: Promise<void>;
  mostInPool = 0;
  mostInTable = 0;
  mostWaiting = 0;
  mostMemoryMb = 0;
  looks = 0;

  constructor(holdfast: Holdfast) {
    this.#holdfast = holdfast;
    this.#done = this.#look();
  }

  /** Stops looking. Rejects when a look failed. */
  async stop(): Promise<this> {
    this.#running = false;
    await this.#done;
    return this;
  }

  async #look(): Promise<void> {
    while (this.#running) {
      const { pool, memory } = await active(this.#holdfast);
      this.mostInPool = Math.max(this.mostInPool, pool.live);
      this.mostWaiting = Math.max(this.mostWaiting, pool.waiting);
      this.mostMemoryMb = Math.max(this.mostMemoryMb, memory.usedMb);
      this.mostInTable = Math.max(this.mostInTable, liveIncarnations(this.#holdfast).size);
      this.looks += 1;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
