import type { StatusView } from '../server/contracts/views.ts';
import { eventually } from '../test/support/eventually.ts';
import type { Holdfast } from '../test/support/holdfast.ts';

/** More at once would only wait for each other: the server starts three at a time. */
const STARTS_AT_ONCE = 4;

/** What a server needs to hold so many echo sessions (about 50 MiB each, as the limits count). */
export function roomFor(sessions: number): Record<string, string> {
  return { MAX_CONCURRENT_SESSIONS: String(sessions), MAX_TOTAL_MEMORY_GB: '64' };
}

/** Makes sessions in the server's project folder and starts their agents; resolves to their ids when all are ready. */
export async function openEchoSessions(holdfast: Holdfast, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let left = count; left > 0; left -= STARTS_AT_ONCE)
    ids.push(...(await Promise.all(Array.from({ length: Math.min(left, STARTS_AT_ONCE) }, () => openOne(holdfast)))));
  return ids;
}

/** Makes a session of the echo agent; no process is started yet. */
export async function makeEchoSession({ client, project }: Holdfast): Promise<string> {
  const { body } = await client.call<{ sessionId: string }>('POST', '/api/sessions', { projectPath: project, agent: 'echo' });
  return body.sessionId;
}

/** Resolves to the session's status when that fits; rejects with the last one after a minute. */
export function statusThat(holdfast: Holdfast, id: string, fits: (status: StatusView) => boolean): Promise<StatusView> {
  return eventually(async () => {
    const status = await holdfast.client.status(id);
    if (!fits(status)) throw new Error(`Session ${id} is ${JSON.stringify(status)}.`);
    return status;
  }, 60);
}

async function openOne(holdfast: Holdfast): Promise<string> {
  const id = await makeEchoSession(holdfast);
  await holdfast.client.call('POST', `/api/sessions/${id}/start`, {});
  await statusThat(holdfast, id, ({ state }) => state === 'ready');
  return id;
}
