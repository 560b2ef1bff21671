import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../test/support/eventually.ts';
import type { Holdfast } from '../../test/support/holdfast.ts';
import { Cleanup } from '../cleanup.ts';
import { inTurns } from '../in-turns.ts';
import { added, milliseconds, type Row } from '../report.ts';
import { claudeStage } from '../stage.ts';
import { percentile } from '../statistics.ts';

const SAMPLES = 9;
/** Before each conversation: what the last one left to do is done. */
const QUIET_MS = 500;
const TEXT = 'tokens=3';

type Times = Record<'spare' | 'none', number[]>;

/**
 * First token of a new conversation in a project that is in use, on two servers, one of which keeps a spare process
 * (WARM_SPARES=1), conversation by conversation in turns. The time is the client's, from sending `POST /api/sessions` over
 * sending the message (`POST /api/chat`, streamed) to the first text. The server with a spare starts the next one when
 * this one is taken, at the same time as the answer: that is part of what is measured.
 */
export async function spare(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const { holdfast: none } = await claudeStage(cleanup);
    const { holdfast: spare } = await claudeStage(cleanup, { WARM_SPARES: '1' });
    const servers = { none, spare };
    const times: Times = { spare: [], none: [] };
    for (let sample = -1; sample < SAMPLES; sample++) {
      for (const way of inTurns(sample, ['spare', 'none'] as const)) {
        // The first conversation is what makes it a project in use.
        if (sample >= 0) await eventually(() => readyProcesses(servers[way]) === (way === 'spare' ? 1 : 0), 60);
        await sleep(QUIET_MS);
        const time = await newConversation(servers[way]);
        if (sample >= 0) times[way].push(time);
      }
    }
    return [row(times, 'p50', 0.5), row(times, 'slowest', 1)];
  } finally {
    await cleanup.run();
  }
}

/** Milliseconds to the first token; the conversation's process is then ended. */
async function newConversation({ client, project }: Holdfast): Promise<number> {
  const startedAt = performance.now();
  const { body } = await client.call<{ sessionId: string }>('POST', '/api/sessions', { projectPath: project });
  const message = { method: 'POST', body: JSON.stringify({ sessionId: body.sessionId, message: TEXT }) };
  let first: number | undefined;
  for await (const event of client.stream('/api/chat', message)) if (event.kind === 'text') first ??= performance.now() - startedAt;
  if (first === undefined) throw new Error('The answer had no text.');
  await client.call('POST', `/api/sessions/${body.sessionId}/stop`, {});
  return first;
}

/** Live processes that have answered `initialize`. No API shows a spare, so this looks where the agents write. */
function readyProcesses(holdfast: Holdfast): number {
  const alive = holdfast.incarnations().filter((folder) => existsSync(join(folder, 'pending')));
  return alive.filter((folder) => readFileSync(join(folder, 'out'), 'utf8').includes('"control_response"')).length;
}

function row({ spare, none }: Times, name: string, p: number): Row {
  const [ours, cold] = [percentile(spare, p), percentile(none, p)];
  return {
    measure: `first token of a new conversation with a spare process, ${name} (n=${spare.length})`,
    ours: milliseconds(ours),
    baseline: `${milliseconds(cold)} without`,
    compared: `${added(ours - cold)}, ${(cold / ours).toFixed(1)}× faster`,
    target: '',
    met: null,
  };
}
