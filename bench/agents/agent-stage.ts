import { tmpdir } from 'node:os';
import { AgentHome } from '../../test/support/agent-home.ts';
import { eventually } from '../../test/support/eventually.ts';
import type { Holdfast } from '../../test/support/holdfast.ts';
import { markedPids } from '../../test/support/live-processes.ts';
import type { Cleanup } from '../cleanup.ts';
import { startModel, startServer } from '../stage.ts';
import type { BareProgram } from './bare-agent.ts';
import { fixedEnv, programIn, type Candidate } from './candidates.ts';

/** The model answers at once, in three tokens. */
export const TEXT = 'tokens=3';

/** One real agent, through a server of its own and on bare pipes, with the same home and the same model. */
export interface AgentStage {
  agent: string;
  version: string;
  holdfast: Holdfast;
  bare: BareProgram;
}

/** Starts model and server, and resolves when nothing is left to do for the agent's programs; null where the agent is not installed. */
export async function agentStage({ real, protocol }: Candidate, cleanup: Cleanup): Promise<AgentStage | null> {
  const { agent } = real;
  const url = await startModel(cleanup);
  const place = new AgentHome(tmpdir());
  cleanup.add(() => place.remove());
  const own = { ...real.prepare(place.home, url), ...place.env };
  const command = programIn(real, own);
  if (command === null) return null;
  // Its memory is to be measured when it is asked for, and no limit is to end it.
  const settings = { DEFAULT_AGENT: agent, MAX_MEMORY_PER_SESSION_MB: '4000', HEALTH_CHECK_INTERVAL_SECONDS: '86400' };
  const holdfast = await startServer(cleanup, { ...own, ...settings });
  const version = await versionOf(holdfast, agent);
  // The server also asks the other programs for their versions.
  await eventually(() => place.processes().length === 1, 60);
  const env = { PATH: process.env['PATH'] ?? '', ...own, ...fixedEnv(real) };
  return { agent, version, holdfast, bare: { command, protocol, env, project: holdfast.project } };
}

/** Stops a session; resolves when no process of the server's agents is left. */
export async function stopSession({ holdfast }: AgentStage, sessionId: string): Promise<void> {
  await holdfast.client.call('POST', `/api/sessions/${sessionId}/stop`, {});
  await eventually(() => markedPids(holdfast).size === 0, 60);
}

async function versionOf({ client }: Holdfast, name: string): Promise<string> {
  return eventually(async () => {
    const { body } = await client.call<{ agents: { agent: string; version?: string }[] }>('GET', '/api/agents');
    return body.agents.find(({ agent }) => agent === name)?.version;
  }, 60);
}
