import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogsView } from '../../server/contracts/views.ts';
import { identify } from '../../server/process/identity.ts';
import type { Client } from './client.ts';
import type { Holdfast } from './holdfast.ts';

/** Whether a process of this pid runs; a zombie does not. */
export function runs(pid: number): boolean {
  return identify(pid) !== null;
}

/** The pid that a process of an incarnation wrote down before it went on. */
export function pidIn(folder: string, name: 'sh' | 'tail' | 'agent'): number {
  return Number(readFileSync(join(folder, name), 'utf8'));
}

/** The journal of a session's newest process. */
export async function journalOf(holdfast: Holdfast, sessionId: string): Promise<string> {
  const { body } = await holdfast.client.call<LogsView>('GET', `/api/sessions/${sessionId}/logs`);
  if (body.incarnationId === null) throw new Error('The session has had no process.');
  return join(holdfast.dataDir, 'incarnations', body.incarnationId);
}

/** Follows a session until an event of this kind comes; gives that event. */
export async function eventOf(
  client: Client,
  sessionId: string,
  kind: string,
  after = 0,
): Promise<{ at: string; seq: number; turnId?: string; data: unknown }> {
  const leave = new AbortController();
  try {
    for await (const event of client.stream(`/api/sessions/${sessionId}/events?after=${after}`, { signal: leave.signal })) {
      if (event.kind === kind) return event;
    }
  } finally {
    leave.abort();
  }
  throw new Error(`The stream ended without ${kind}.`);
}
