import type { ProcessIdentity } from './identity.ts';
import { signal } from './identity.ts';
import type { MembersQuery } from './members.ts';
import { members, membersButWrapper } from './members.ts';
import type { ProcessTable } from './process-table.ts';

const rounds = 10;

/**
 * Stops the agent and all below it, but not the wrapper, which must be able to tell the exit; looks again until no new
 * one appears, since they may fork meanwhile. Returns whom it stopped.
 */
export function stopAll(query: MembersQuery): ProcessIdentity[] {
  return signalAll(() => membersButWrapper({ ...query, tail: null }), 'SIGSTOP');
}

/** Lets all of an incarnation's processes go on. Returns whom it continued. */
export function continueAll(query: MembersQuery): ProcessIdentity[] {
  return signalAll(() => members(query), 'SIGCONT');
}

/** The same by one look that was taken before, for processes that are at most left stopped: those fork nothing meanwhile. */
export function continueSeen(query: MembersQuery, table: ProcessTable): void {
  for (const member of members(query, table)) signal(member, 'SIGCONT');
}

function signalAll(look: () => ProcessIdentity[], name: 'SIGSTOP' | 'SIGCONT'): ProcessIdentity[] {
  const done = new Map<number, ProcessIdentity>();
  for (let round = 0; round < rounds; round++) {
    const fresh = look().filter(({ pid, startTime }) => done.get(pid)?.startTime !== startTime);
    for (const member of fresh) if (signal(member, name)) done.set(member.pid, member);
    if (fresh.length === 0) break;
  }
  return [...done.values()];
}
