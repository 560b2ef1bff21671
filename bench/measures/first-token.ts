import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { BareClaude, processPerMessage } from '../bare-claude.ts';
import { Cleanup } from '../cleanup.ts';
import { added as signed, milliseconds, type Row } from '../report.ts';
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

type Times = Record<'post' | 'socket' | 'bare', number[]>;

/** Each comes first, second and last equally often. */
const ORDERS = [
  ['post', 'bare', 'socket'],
  ['bare', 'socket', 'post'],
  ['socket', 'post', 'bare'],
] as const;

/**
 * First token of a further message in a live conversation, in the client: from sending to the first text. The same CLI
 * with the same flags, through the server (by POST, and over the open WebSocket) and on bare pipes, message by message in
 * turns, in several conversations; then a process per message, from its spawn.
 */
export async function firstToken(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const stage = await claudeStage(cleanup);
    const times: Times = { post: [], socket: [], bare: [] };
    for (let conversation = 0; conversation < CONVERSATIONS; conversation++) await converse(stage, times);
    const conversation = randomUUID();
    await processPerMessage(stage, { id: conversation, resume: false }, TEXT);
    const processes: number[] = [];
    for (let message = 0; message < PROCESSES; message++)
      processes.push(await processPerMessage(stage, { id: conversation, resume: true }, TEXT));
    return rows(times, processes);
  } finally {
    await cleanup.run();
  }
}

/** A new conversation on either way; long ones would make the CLI slower by themselves. */
async function converse(stage: ClaudeStage, times: Times): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const post = await ThroughUs.open(stage.holdfast, cleanup);
    const socket = await ThroughUs.open(stage.holdfast, cleanup, { way: 'socket' });
    const ways = { post, socket, bare: new BareClaude(stage, cleanup) };
    for (let message = -WARM_UP; message < MESSAGES; message++) {
      for (const way of ORDERS[(message + WARM_UP) % ORDERS.length] ?? []) {
        const time = firstTokenMs(await ways[way].send(TEXT));
        if (message >= 0) times[way].push(time);
        await sleep(PAUSE_MS);
      }
    }
    for (const { sessionId } of [post, socket]) await stage.holdfast.client.call('POST', `/api/sessions/${sessionId}/stop`, {});
  } finally {
    await cleanup.run();
  }
}

function rows(times: Times, processes: number[]): Row[] {
  return [
    ...added('over the WebSocket', times.socket, times.bare),
    ...added('by POST', times.post, times.bare),
    againstProcesses('over the WebSocket', times.socket, processes),
    againstProcesses('by POST', times.post, processes),
  ];
}

/** What the server adds to the bare pipe, at the middle and near the end of the distribution. */
function added(way: string, ours: number[], bare: number[]): Row[] {
  const quantile = (name: string, p: number, limit: number): Row => {
    const difference = percentile(ours, p) - percentile(bare, p);
    return {
      measure: `first token of a further message ${way}, ${name} (n=${ours.length})`,
      ours: milliseconds(percentile(ours, p)),
      baseline: `${milliseconds(percentile(bare, p))} bare pipe`,
      compared: signed(difference),
      target: `≤ +${limit} ms`,
      met: difference <= limit,
    };
  };
  return [quantile('p50', 0.5, 3), quantile('p95', 0.95, 10)];
}

function againstProcesses(way: string, ours: number[], processes: number[]): Row {
  const times = median(processes) / median(ours);
  return {
    measure: `first token ${way} against a process per message, p50 (n=${processes.length})`,
    ours: milliseconds(median(ours)),
    baseline: `${milliseconds(median(processes))} --resume`,
    compared: `${times.toFixed(1)}× faster`,
    target: '≥ 15×',
    met: times >= 15,
  };
}
