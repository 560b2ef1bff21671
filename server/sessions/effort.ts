import { AppError } from '../platform/app-error.ts';
import type { SessionContext } from './context.ts';

/** Throws `not-supported` where an agent's model can't be chosen. */
export function assertModel({ agents }: Pick<SessionContext, 'agents'>, agent: string, model: string | null | undefined): void {
  if (model === null || model === undefined || agents.get(agent)?.driver.capabilities.models === true) return;
  throw new AppError('not-supported', `The model of the agent ${agent} can't be chosen; GET /api/agents says whose can.`);
}

/** Throws `not-supported`, with the agents and the efforts that there are, where an agent can't be told to think this hard. */
export function assertEffort({ agents }: Pick<SessionContext, 'agents'>, agent: string, effort: string | null | undefined): void {
  if (effort === null || effort === undefined) return;
  const own = agents.get(agent)?.driver.capabilities.efforts ?? [];
  if (own.includes(effort)) return;
  if (own.length > 0) throw new AppError('not-supported', `The agent ${agent} has no effort "${effort}"; it has: ${own.join(', ')}.`);
  const others = [...agents].flatMap(([name, { driver }]) => {
    const efforts = driver.capabilities.efforts ?? [];
    return efforts.length === 0 ? [] : [`${name} (${efforts.join(', ')})`];
  });
  const have = others.length === 0 ? 'No agent here has one.' : `These have one: ${others.join('; ')}.`;
  throw new AppError('not-supported', `The agent ${agent} has no effort setting. ${have}`);
}
