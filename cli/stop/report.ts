import type { EndedAgents } from './end-agents.ts';
import type { EndedServer } from './end-server.ts';

/** What `npm run stop` tells, line by line, and whether all was ended. */
export function reportOf(
  dataDir: string,
  server: Pick<EndedServer, 'pid' | 'killed'>,
  ended: EndedAgents,
): { lines: string[]; ok: boolean } {
  const lines: string[] = [];
  if (server.pid !== null)
    lines.push(`Ended the server (pid ${server.pid})${server.killed ? '; it did not react and had to be killed' : ''}.`);
  for (const { agent, pid, session, left } of ended.agents) {
    const what =
      session === null
        ? `a process that no session knows (pid ${pid})`
        : `${agent} (pid ${pid}) of "${session.name}" in ${session.projectPath}`;
    lines.push(
      left.length === 0
        ? `Ended ${what}.`
        : `Could not end ${what}: ${left.map((one) => one.pid).join(', ')} still live. Try: kill -9 ${left.map((one) => one.pid).join(' ')}`,
    );
  }
  if (server.pid === null && ended.agents.length === 0) lines.push(`Nothing to stop: no server and no agent of ${dataDir} is alive.`);
  else if (ended.agents.length === 0) lines.push('No agent was alive.');
  if (ended.waitingMessages > 0) lines.push(`${ended.waitingMessages} message(s) reached no agent yet; the next server hands them on.`);
  if (ended.notStored !== null)
    lines.push(`That you ended them could not be stored (${ended.notStored}); the next server will say that they were lost.`);
  return { lines, ok: ended.agents.every(({ left }) => left.length === 0) };
}
