import type { ProcessIdentity } from './identity.ts';
import { signal } from './identity.ts';
import type { MembersQuery } from './members.ts';
import { members } from './members.ts';

const rounds = 10;

/**
 * Stops all of an incarnation's processes but its wrapper, which must be able to tell the exit; looks again until no new
 * one appears, since they may fork meanwhile. Returns whom it stopped.
 */
export function stopAll(query: MembersQuery): ProcessIdentity[] {
  return signalAll(query, 'SIGSTOP');
}

/** Lets all of an incarnation's processes go on. Returns whom it continued. */
export function continueAll(query: MembersQuery): ProcessIdentity[] {
  return signalAll(query, 'SIGCONT');
}

function signalAll(query: MembersQuery, name: 'SIGSTOP' | 'SIGCONT'): ProcessIdentity[] {
  const done = new Map<number, ProcessIdentity>();
  for (let round = 0; round < rounds; round++) {
    const fresh = members(query).filter(
      ({ pid, startTime }) => done.get(pid)?.startTime !== startTime && (name === 'SIGCONT' || pid !== query.wrapper?.pid),
    );
    for (const member of fresh) if (signal(member, name)) done.set(member.pid, member);
    if (fresh.length === 0) break;
  }
  return [...done.values()];
}
