import { isDiskFull, messageOf } from '../../platform/app-error.ts';
import type { Cell } from '../cell.ts';
import type { IncarnationParts, PendingLine } from './incarnation.ts';
import { startIncarnation } from './start-incarnation.ts';

/** A start that worked, one that did not, or one that nobody wants any more. */
export type LaunchOutcome =
  | { kind: 'launched'; parts: IncarnationParts; lines: PendingLine[] }
  | { kind: 'failed'; incarnationId: string | null; code: string; detail: string }
  | { kind: 'unwanted' };

/** Starts the process of a session that is `starting` and has none. Never rejects. */
export async function launchProcess(cell: Cell): Promise<LaunchOutcome> {
  const { context, key } = cell;
  const row = context.store.sessions.byNum(key.num);
  if (!row || cell.state.kind !== 'starting' || cell.incarnation) return { kind: 'unwanted' };
  const agent = context.agents.get(row.agent);
  if (!agent) return { kind: 'failed', incarnationId: null, code: 'agent-unknown', detail: `There is no agent ${row.agent}.` };
  try {
    const result = await startIncarnation(context, row, agent);
    if (!result.ok) return { kind: 'failed', ...result };
    const { lines, ...started } = result.started;
    const place = { outOffset: 0, skipping: false, mode: row.mode, model: row.model, effort: row.effort, clock: context.clock };
    return { kind: 'launched', parts: { ...started, ...place, driver: agent.driver }, lines };
  } catch (error) {
    return { kind: 'failed', incarnationId: null, code: isDiskFull(error) ? 'disk-full' : 'start-failed', detail: messageOf(error) };
  }
}
