import type { Clock } from '../platform/clock.ts';
import { sleep, systemClock } from '../platform/clock.ts';
import type { ProcessIdentity } from './identity.ts';
import { isAlive, signal } from './identity.ts';
import type { Identities } from './journal-folder.ts';
import { readIdentities, readPid } from './journal-folder.ts';
import type { MembersQuery } from './members.ts';
import { members, membersButWrapper } from './members.ts';
import { continueAll } from './pause.ts';

export interface TerminateRequest {
  folder: string;
  mark: string;
  /** What is known; the pid files fill in what is not. */
  identities: Partial<Identities>;
  clock?: Clock;
  /** Milliseconds to wait after the end of input, and after TERM. */
  graceMs: { eof: number; term: number };
}

const killRounds = 20;
// The wrapper is the last to go: it needs a moment to write the exit of what was killed.
const wrapperMs = 1_000;

/**
 * Ends an incarnation with all that belongs to it, its own process groups included. `clean`: end of input, wait for the
 * agent, TERM, wait, KILL; `kill`: KILL at once. Paused processes are continued first. Resolves to what was still alive at the end
 * (empty unless the system would not let it die).
 */
export async function terminate(request: TerminateRequest, mode: 'clean' | 'kill'): Promise<ProcessIdentity[]> {
  const family = new Family(request);
  if (mode === 'clean') {
    family.continue();
    const { tail, agent } = family.identities;
    // A tail that is gone already has ended the input too: the agent may be saving its conversation.
    if (tail) signal(tail, 'SIGTERM');
    const inputEnds = tail !== null || readPid(request.folder, 'tail') !== null;
    if (inputEnds && agent) await family.wait(request.graceMs.eof, () => !isAlive(agent));
    // What the agent left running gets its TERM too.
    for (const member of family.others()) signal(member, 'SIGTERM');
    await family.wait(request.graceMs.term, () => !family.others().some(isAlive));
  }
  return family.kill();
}

/** All that belongs to the incarnation; once seen, a process stays in it whatever becomes of its parents. */
class Family {
  readonly identities: Identities;
  readonly #request: TerminateRequest;
  readonly #clock: Clock;
  #known: ProcessIdentity[] = [];

  constructor(request: TerminateRequest) {
    this.#request = request;
    this.#clock = request.clock ?? systemClock;
    const { wrapper, tail, agent } = request.identities;
    const written = readIdentities(request.folder, request.mark);
    this.identities = { wrapper: wrapper ?? written.wrapper, tail: tail ?? written.tail, agent: agent ?? written.agent };
  }

  /** Looks at the whole process table. */
  all(): ProcessIdentity[] {
    this.#known = members(this.#query());
    return this.#known;
  }

  /** All but the wrapper and what it does to tell the exit. */
  others(): ProcessIdentity[] {
    this.all();
    return membersButWrapper({ ...this.#query(), tail: this.identities.tail });
  }

  continue(): void {
    this.all();
    continueAll(this.#query());
  }

  /** Waits until `over`, looking often at first; at most the given milliseconds. */
  async wait(milliseconds: number, over: () => boolean): Promise<void> {
    const end = this.#clock.monotonic() + milliseconds;
    for (let pause = 5; !over(); pause = Math.min(pause * 1.5, 100)) {
      const left = end - this.#clock.monotonic();
      if (left <= 0) return;
      await sleep(this.#clock, Math.min(pause, left));
    }
  }

  async kill(): Promise<ProcessIdentity[]> {
    for (let round = 0; round < killRounds; round++) {
      const others = this.others();
      if (others.length === 0) break;
      for (const member of others) signal(member, 'SIGKILL');
      await this.wait(100, () => !others.some(isAlive));
    }
    const { wrapper } = this.identities;
    if (wrapper && isAlive(wrapper)) {
      signal(wrapper, 'SIGCONT');
      await this.wait(wrapperMs, () => !isAlive(wrapper));
    }
    for (let round = 0; round < killRounds; round++) {
      const left = this.all();
      if (left.length === 0) return left;
      for (const member of left) signal(member, 'SIGKILL');
      await this.wait(100, () => !left.some(isAlive));
    }
    return this.all();
  }

  #query(): MembersQuery {
    const { wrapper, agent } = this.identities;
    return { groupId: wrapper?.pid ?? null, agent, wrapper, mark: this.#request.mark, known: this.#known };
  }
}
