import type { PermissionMode } from '../contracts/state.ts';
import type { Append } from '../events/event-log.ts';
import { AppError } from '../platform/app-error.ts';
import type { SessionRow, SpareFilter } from '../storage/sessions-table.ts';
import { cannotRun } from '../process/runs-here.ts';
import type { Agent, SessionContext } from './context.ts';
import { assertEffort, assertModel } from './effort.ts';
import type { Spares } from './pool/spares.ts';
import { newTerminal } from './terminal/terminal-of.ts';

/** What a new session is made of; `projectPath` is resolved already. */
export interface NewSessionRequest {
  owner: string;
  projectPath: string;
  agent?: string | undefined;
  name?: string | undefined;
  labels?: string[] | undefined;
  mode?: PermissionMode | undefined;
  model?: string | null | undefined;
  effort?: string | null | undefined;
  /** Names the session where it has no name. */
  firstMessage?: string;
  command?: string | undefined;
  cols?: number | undefined;
  rows?: number | undefined;
}

export interface NewSessionParts {
  context: SessionContext;
  spares: Spares;
  settings: { defaultAgent: string; permissionMode: PermissionMode };
}

const NAME_LENGTH = 60;

/** Makes a session, inside a transaction. Throws `agent-unknown`, `agent-not-installed` and `not-supported` before anything is stored. */
export function newSession(parts: NewSessionParts, append: Append, request: NewSessionRequest): SessionRow {
  const { context, settings } = parts;
  const agentName = request.agent ?? settings.defaultAgent;
  const agent = context.agents.get(agentName);
  if (!agent) throw new AppError('agent-unknown', `There is no agent "${agentName}"; there are: ${[...context.agents.keys()].join(', ')}.`);
  assertRuns(agentName, agent);
  assertEffort(context, agentName, request.effort);
  assertModel(context, agentName, request.model);
  const key = {
    owner: request.owner,
    project_path: request.projectPath,
    agent: agentName,
    mode: request.mode ?? settings.permissionMode,
    model: request.model ?? null,
    effort: request.effort ?? null,
  };
  const labels = JSON.stringify(request.labels ?? []);
  if (agent.driver.terminal) {
    if (request.firstMessage !== undefined) throw takesNoMessages();
    const { name, terminal } = newTerminal(request);
    const row = { ...key, name, labels, terminal: JSON.stringify(terminal) };
    return announced(append, context.store.sessions.insert({ id: context.newId(), ...row, created_at: context.clock.now() }));
  }
  if (request.command !== undefined)
    throw new AppError('not-supported', `The agent ${agentName} runs no command; create the session with agent "terminal".`);
  const given = { name: request.name ?? nameFrom(request.firstMessage ?? ''), labels };
  const session =
    claimSpare(parts, key, given) ??
    context.store.sessions.insert({ id: context.newId(), ...key, ...given, created_at: context.clock.now() });
  return announced(append, session);
}

function announced(append: Append, session: SessionRow): SessionRow {
  const data = { agent: session.agent, projectPath: session.project_path, name: session.name };
  append(session, [{ channel: 'session', kind: 'session.created', data }]);
  return session;
}

/** The answer to a message for a terminal. */
export function takesNoMessages(): AppError {
  return new AppError('not-supported', 'A terminal takes no messages: send it keys with POST /api/sessions/{id}/input.');
}

/** Throws `agent-not-installed` for an agent without a program, or with one for another machine. */
function assertRuns(name: string, agent: Agent): void {
  const command = agent.command();
  if (command === null)
    throw new AppError(
      'agent-not-installed',
      `The agent ${name} is not installed on this machine; GET /api/agents says how to get it${agent.install == null ? '' : ` (${agent.install})`}.`,
    );
  const why = cannotRun(command, { platform: process.platform, arch: process.arch, env: agent.environment() });
  if (why === null) return;
  const detail = `The agent ${name} cannot run on this machine: ${command} ${why}. GET /api/agents says how to get it.`;
  throw new AppError('agent-not-installed', detail);
}

/** A process that was started ahead for such a conversation becomes its session. */
function claimSpare(
  { context, spares }: Pick<NewSessionParts, 'context' | 'spares'>,
  key: SpareFilter,
  given: { name: string; labels: string },
): SessionRow | null {
  const spare = spares.take(key);
  if (!spare) return null;
  const now = context.clock.now();
  context.store.sessions.update(spare.num, { ...given, last_activity_at: now });
  return context.store.sessions.byNum(spare.num) ?? null;
}

function nameFrom(message: string): string {
  const line = message
    .slice(0, 1_000)
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  if (line === '') return 'New conversation';
  const letters = [...line];
  return letters.length <= NAME_LENGTH ? line : `${letters.slice(0, NAME_LENGTH - 1).join('')}…`;
}
