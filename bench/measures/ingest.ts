import { ingestBare, recordWrites } from '../ingest/bare.ts';
import { benchDatabase } from '../ingest/database.ts';
import { decodedBefore, ingestOurs, type IngestRun } from '../ingest/ours.ts';
import { turns, type Cut } from '../ingest/workload.ts';
import { inTurns } from '../in-turns.ts';
import { percent, type Row } from '../report.ts';
import { median } from '../statistics.ts';

const PAIRS = 9;

// How many turns make a run of some tenths of a second; a turn has 644 lines, of which 600 are deltas.
const loads: readonly { name: string; cut: Cut; turns: number; judged: boolean }[] = [
  { name: 'a live answer, a line a batch', cut: { lines: 1 }, turns: 8, judged: true },
  { name: 'a busy agent, 8 lines a batch', cut: { lines: 8 }, turns: 40, judged: false },
  { name: 'catching up, 64 KiB a batch', cut: { bytes: 64 * 1024 }, turns: 60, judged: false },
];

/**
 * Ingest, in this process: an agent's bytes read from `out`, framed, through the session's mailbox, decoded, committed
 * with offset, driver state and session head to a store on disk (WAL, NORMAL), published, and encoded for one client.
 * Against it a bare better-sqlite3 loop with prepared statements, which writes the same rows and updates in the same
 * transactions and does nothing else.
 *
 * The work is a recorded turn of the Claude CLI (thinking, text, a tool, text) with each text delta stretched to 150, as
 * long answers have them. The batches that count are those of a live answer: a tailer that is woken for each line finds
 * one line (the measure `gaps` tells how many tokens came per event). Larger batches merge their deltas into one event,
 * so that the loop has one row to write where the server has many lines to decode: there the ratio says what decoding
 * costs, not what the log costs, and it is shown beside the target and not judged by it. `decoded before` leaves the
 * decoding out on our side and keeps all the rest.
 */
export async function ingest(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, cut, turns: count, judged } of loads) {
    const all = turns(count);
    const recorded = await recordWrites(benchDatabase, all, cut);
    const known = decodedBefore(all);
    const ways = {
      ours: (database: ReturnType<typeof benchDatabase>) => ingestOurs(database, all, cut),
      decoded: (database: ReturnType<typeof benchDatabase>) => ingestOurs(database, all, cut, { driver: known }),
      bare: async (database: ReturnType<typeof benchDatabase>) => ingestBare(database, all, recorded),
    };
    const runs: Record<keyof typeof ways, IngestRun>[] = [];
    for (let pair = -1; pair < PAIRS; pair++) {
      const order = inTurns(pair, ['ours', 'bare', 'decoded'] as const);
      const run = {} as Record<keyof typeof ways, IngestRun>;
      for (const way of order) run[way] = await onFreshStore(ways[way]);
      if (run.ours.events !== run.bare.events) throw new Error(`${run.ours.events} events were written, ${run.bare.events} by the loop.`);
      if (pair >= 0) runs.push(run);
    }
    rows.push(row(`ingest: ${name}`, runs, 'ours', judged), row(`ingest: ${name}, decoded before`, runs, 'decoded', false));
  }
  return rows;
}

async function onFreshStore(way: (database: ReturnType<typeof benchDatabase>) => Promise<IngestRun>): Promise<IngestRun> {
  const database = benchDatabase();
  try {
    return await way(database);
  } finally {
    database.remove();
  }
}

function row(measure: string, runs: Record<'ours' | 'decoded' | 'bare', IngestRun>[], way: 'ours' | 'decoded', judged: boolean): Row {
  const rate = ({ events, milliseconds }: IngestRun): number => (events * 1_000) / milliseconds;
  const ratio = median(runs.map((run) => rate(run[way]) / rate(run.bare)));
  const perSecond = (of: 'ours' | 'decoded' | 'bare'): string =>
    `${Math.round(median(runs.map((run) => rate(run[of])))).toLocaleString('en')} events/s`;
  return {
    measure,
    ours: perSecond(way),
    baseline: `${perSecond('bare')} bare loop`,
    compared: percent(ratio),
    target: judged ? '≥ 70 %' : '',
    met: judged ? ratio >= 0.7 : null,
  };
}
