import { BareClaude } from '../bare-claude.ts';
import { Cleanup } from '../cleanup.ts';
import { inTurns } from '../in-turns.ts';
import { added, milliseconds, type Row } from '../report.ts';
import { claudeStage } from '../stage.ts';
import { gaps, percentile } from '../statistics.ts';
import { ThroughUs } from '../through-us.ts';
import { tokenTimes } from '../timed-answer.ts';

const TOKENS = 500;
const ROUNDS = 8;

/** An answer of 500 tokens, 2 ms apart: the time between tokens at the client, through the server and on bare pipes, answer by answer in turns. */
export async function tokenGaps(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const stage = await claudeStage(cleanup);
    const ways = { ours: await ThroughUs.open(stage.holdfast, cleanup), bare: new BareClaude(stage, cleanup) };
    const times: Record<keyof typeof ways, number[]> = { ours: [], bare: [] };
    let events = 0;
    for (let round = -1; round < ROUNDS; round++) {
      for (const way of inTurns(round, ['ours', 'bare'] as const)) {
        const answer = await ways[way].send(`tokens=${TOKENS} delay=2`);
        const arrived = tokenTimes(answer);
        if (arrived.length !== TOKENS) throw new Error(`${arrived.length} of ${TOKENS} tokens came (${way}).`);
        if (round < 0) continue;
        times[way].push(...gaps(arrived));
        if (way === 'ours') events += answer.deltas.length;
      }
    }
    return [row(times, 'p50', 0.5), row(times, 'p99', 0.99, 5), tokensPerEvent(events)];
  } finally {
    await cleanup.run();
  }
}

function row({ ours, bare }: { ours: number[]; bare: number[] }, name: string, p: number, limit?: number): Row {
  const difference = percentile(ours, p) - percentile(bare, p);
  return {
    measure: `${TOKENS} tokens at 2 ms, gap between tokens, ${name} (n=${ours.length})`,
    ours: milliseconds(percentile(ours, p)),
    baseline: `${milliseconds(percentile(bare, p))} bare pipe`,
    compared: added(difference),
    target: limit === undefined ? '' : `≤ +${limit} ms`,
    met: limit === undefined ? null : difference <= limit,
  };
}

/** How far deltas were merged on their way, which is also how large the batches of a live answer are. */
function tokensPerEvent(events: number): Row {
  const each = (TOKENS * ROUNDS) / events;
  return { measure: 'tokens per event in that answer', ours: each.toFixed(2), baseline: '1.00', compared: '', target: '', met: null };
}
