import type { DemoAgent } from './agent.ts';
import { allowCommand, askCommand, chatCommand, killCommand, streamCommand, type DemoPlace } from './commands.ts';

/** What the demo says when it is ready. */
export function introduction(agent: DemoAgent, agentPid: number, root: string, place: DemoPlace): string {
  const who =
    agent.agent === 'claude'
      ? `Claude Code ${agent.version} on a scripted model; no account needed`
      : `${agent.because} The built-in agent "echo" answers instead`;
  return `
${who}.

  server  pid ${place.serverPid}, ${place.url}
  agent   pid ${agentPid}, which outlives the server
  phone   ${place.phoneUrl} shows what would be on it; open it in a browser

Paste these into a second terminal.

1. Send a message and wait for the answer:

${chatCommand(place)}

2. Stream a long answer, about 15 seconds, word by word:

${streamCommand(place)}

3. While it runs, in a third terminal: kill the server, and read on from the cursor.
   The demo starts the server again; the agent has gone on meanwhile, and no word is missing.

${killCommand(place)}

4. Let the agent ask before it runs a command. The phone is told:

${askCommand(place, agent.agent)}

5. Allow it, as a phone would:

${allowCommand(place)}

Ctrl-C here ends server, agent, model and push service, and removes ${root}.
`;
}

/** What the demo says after a kill. */
export function restarted(how: string, old: number, fresh: number, agent: { pid: number; lives: boolean }): string {
  const state = agent.lives ? `Agent ${agent.pid} goes on` : `Agent ${agent.pid} has ended too`;
  return `Server ${old} is gone (${how}). ${state}. Started the server again: pid ${fresh}; once more with: kill -9 ${fresh}`;
}
