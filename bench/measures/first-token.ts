import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { BareClaude, processPerMessage } from '../bare-claude.ts';
import { Cleanup } from '../cleanup.ts';
import { added, milliseconds, type Row } from '../report.ts';
import { type ClaudeStage, claudeStage } from '../stage.ts';
import { median, percentile } from '../statistics.ts';
import { ThroughUs } from '../through-us.ts';
import { firstTokenMs } from '../timed-answer.ts';

const CONVERSATIONS = 6;
/** Measured in each conversation, after the messages that warm both processes up. */
const MESSAGES = 25;
const WARM_UP = 3;
const PROCESSES = 11;
const PAUSE_MS = 20;
const TEXT = 'tokens=3';

type Times = Record<'ours' | 'bare', number[]>;

/**
 * First token of a further message in a live conversation, in the client: from sending to the first text. The same CLI
 * with the same flags, through the server and on bare pipes, message by message in turns, in several conversations; then a
 * process per message, from its spawn.
 */
export async function firstToken(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const stage = await claudeStage(cleanup);
    const times: Times = { ours: [], bare: [] };
    for (let conversation = 0; conversation < CONVERSATIONS; conversation++) await converse(stage, times);
    const conversation = randomUUID();
    await processPerMessage(stage, { id: conversation, resume: false }, TEXT);
    const processes: number[] = [];
    for (let message = 0; message < PROCESSES; message++)
      processes.push(await processPerMessage(stage, { id: conversation, resume: true }, TEXT));
    return rows(times.ours, times.bare, processes);
  } finally {
    await cleanup.run();
  }
}

/** A new conversation on either way; long ones would make the CLI slower by themselves. */
async function converse(stage: ClaudeStage, times: Times): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const ways = { ours: await ThroughUs.open(stage.holdfast, cleanup), bare: new BareClaude(stage, cleanup) };
    for (let message = -WARM_UP; message < MESSAGES; message++) {
      for (const way of message % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
        const time = firstTokenMs(await ways[way].send(TEXT));
        if (message >= 0) times[way].push(time);
        await sleep(PAUSE_MS);
      }
    }
    await stage.holdfast.client.call('POST', `/api/sessions/${ways.ours.sessionId}/stop`, {});
  } finally {
    await cleanup.run();
  }
}

function rows(ours: number[], bare: number[], processes: number[]): Row[] {
  const quantile = (name: string, p: number, limit: number): Row => {
    const difference = percentile(ours, p) - percentile(bare, p);
    return {
      measure: `first token of a further message, ${name} (n=${ours.length})`,
      ours: milliseconds(percentile(ours, p)),
      baseline: `${milliseconds(percentile(bare, p))} bare pipe`,
      compared: added(difference),
      target: `≤ +${limit} ms`,
      met: difference <= limit,
    };
  };
  const times = median(processes) / median(ours);
  return [
    quantile('p50', 0.5, 3),
    quantile('p95', 0.95, 10),
    {
      measure: `first token against a process per message, p50 (n=${processes.length})`,
      ours: milliseconds(median(ours)),
      baseline: `${milliseconds(median(processes))} --resume`,
      compared: `${times.toFixed(1)}× faster`,
      target: '≥ 15×',
      met: times >= 15,
    },
  ];
}
