import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LaunchRequest } from '../../agents/driver.ts';
import type { PermissionMode } from '../../contracts/state.ts';
import { isDiskFull, messageOf } from '../../platform/app-error.ts';
import type { ProcessIdentity } from '../../process/identity.ts';
import { launch, prepareFolder } from '../../process/launcher.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { Agent, SessionContext } from '../context.ts';
import { storedTerminal } from '../terminal/terminal-of.ts';
import { filesPathOf, temporaryPathOf } from './incarnation.ts';

/** A process that was started, with the lines that it gets first (they stand in the database, not yet in `in`). */
export interface Started {
  id: string;
  folder: string;
  mark: string;
  wrapper: ProcessIdentity | null;
  agent: ProcessIdentity;
  state: unknown;
  inSize: number;
  lines: { offset: number; bytes: Buffer }[];
}
export type StartResult = { ok: true; started: Started } | { ok: false; incarnationId: string | null; code: string; detail: string };

/** The bytes of a line in the journal. */
function lineBytes(line: string): Buffer {
  return Buffer.from(`${line}\n`, 'utf8');
}

/** Where an incarnation's journal is. */
export function incarnationFolder(dataDir: string, id: string): string {
  return join(dataDir, 'incarnations', id);
}

/** Starts an agent for a session: first the row, then the folder, then the process. Failures are values. */
export async function startIncarnation(context: SessionContext, session: SessionRow, agent: Agent): Promise<StartResult> {
  const command = agent.command();
  if (command === null) {
    return {
      ok: false,
      incarnationId: null,
      code: 'agent-not-installed',
      detail: `The agent ${session.agent} is not installed on this machine; see GET /api/agents.`,
    };
  }
  const id = context.newId();
  const folder = incarnationFolder(context.data.dir, id);
  const { capabilities } = agent.driver;
  const resume = session.resumable === 1 && session.agent_session_id !== null && capabilities.resume;
  // A copy that never got to a turn is not kept by the agent: it is made again.
  const forkOf = !resume && capabilities.fork ? session.fork_of : null;
  const terminal = storedTerminal(session);
  const request: LaunchRequest = {
    agentSessionId: resume && session.agent_session_id !== null ? session.agent_session_id : context.newId(),
    resume,
    ...(forkOf === null ? {} : { forkOf }),
    projectPath: session.project_path,
    mode: session.mode as PermissionMode,
    model: session.model,
    effort: session.effort,
    filesPath: filesPathOf(folder),
    temporaryPath: temporaryPathOf(folder),
    command,
    ...(terminal ? { terminal: { ...terminal, folder, name: session.name } } : {}),
  };
  const begin = agent.driver.begin(request);
  const lines = begin.lines.map(lineBytes);
  const inSize = record(context, session, agent, { id, request, lines, state: begin.state });
  const spec = agent.driver.launch(request);
  const mark = `${context.data.id}/${id}`;
  try {
    prepareFolder(folder);
    mkdirSync(request.temporaryPath, { recursive: true, mode: 0o700 });
  } catch (error) {
    return { ok: false, incarnationId: id, code: isDiskFull(error) ? 'disk-full' : 'start-failed', detail: messageOf(error) };
  }
  const env = { ...agent.environment(), ...spec.env };
  const launched = await context.starts.add(() =>
    launch({ folder, mark, cwd: session.project_path, file: spec.file, args: spec.args, env, clock: context.clock }),
  );
  if (launched.kind === 'failed') return { ok: false, incarnationId: id, code: launched.code, detail: launched.detail };
  const { wrapper, agent: process } = launched;
  context.store.incarnations.setIdentity(id, wrapper && JSON.stringify(wrapper), JSON.stringify(process));
  let offset = 0;
  const pending = lines.map((bytes) => ({ offset: (offset += bytes.length) - bytes.length, bytes }));
  return { ok: true, started: { id, folder, mark, wrapper, agent: process, state: begin.state, inSize, lines: pending } };
}

function record(
  context: SessionContext,
  session: SessionRow,
  agent: Agent,
  start: { id: string; request: LaunchRequest; lines: Buffer[]; state: unknown },
): number {
  const { store } = context;
  const resumed = start.request.resume || start.request.forkOf !== undefined;
  return context.log.transact((append) => {
    store.incarnations.insert({
      id: start.id,
      session_num: session.num,
      agent: session.agent,
      resumed: Number(resumed),
      boot_id: context.data.bootId,
      driver_state: JSON.stringify(start.state),
      state_version: agent.driver.stateVersion,
      mode: session.mode,
      model: session.model,
      effort: session.effort,
      created_at: context.clock.now(),
    });
    store.sessions.update(session.num, {
      incarnation_id: start.id,
      agent_session_id: start.request.agentSessionId,
      state: 'starting',
      failure: null,
    });
    append(session, [{ channel: 'session', kind: 'session.starting', data: { incarnationId: start.id, resumed } }]);
    return store.incarnations.appendLines(start.id, 0, start.lines);
  });
}
