import { messageOf } from '../../server/platform/app-error.ts';
import { agentStage } from '../agents/agent-stage.ts';
import { candidates, type Candidate } from '../agents/candidates.ts';
import { measureRounds, type Rounds } from '../agents/rounds.ts';
import { agentsTable, type Outcome } from '../agents/table.ts';
import { Cleanup } from '../cleanup.ts';
import type { Table } from '../report.ts';

const FULL: Rounds = { rounds: 5, messages: 20, idleMs: 2_000 };
const INSTALL = 'not installed: run `node test/real-agents/install.ts`';

/**
 * The real agents, one after the other, each through a server of its own and spoken to by hand on pipes, in turns, with the
 * same home and the same model. Start: until `session.ready` is at a client that sent `POST /api/sessions` and attached, and
 * until a bare process has answered what comes before a message. First token: of a new conversation whose message is sent at once,
 * and of a further message in a live one. Memory and processes: of the whole tree, idle after one turn; what the server tells
 * of it, and what /proc tells of the bare one.
 */
export async function agents(chosen: readonly Candidate[] = candidates, rounds: Rounds = FULL): Promise<Table> {
  const outcomes: Outcome[] = [];
  for (const candidate of chosen) outcomes.push(await measured(candidate, rounds));
  return agentsTable(outcomes);
}

/** One that fails does not keep the others from being measured. */
async function measured(candidate: Candidate, rounds: Rounds): Promise<Outcome> {
  const { agent } = candidate.real;
  process.stderr.write(`  ${agent} …\n`);
  try {
    return await measure(candidate, rounds);
  } catch (error) {
    return { agent, failed: messageOf(error) };
  }
}

async function measure(candidate: Candidate, rounds: Rounds): Promise<Outcome> {
  const { agent } = candidate.real;
  const cleanup = new Cleanup();
  try {
    const stage = await agentStage(candidate, cleanup);
    if (stage === null) return { agent, missing: INSTALL };
    return { agent, version: stage.version, sides: await measureRounds(stage, rounds) };
  } finally {
    await cleanup.run();
  }
}
