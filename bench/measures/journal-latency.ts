import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eachLine } from '../bare-claude.ts';
import { Cleanup } from '../cleanup.ts';
import { added, milliseconds, type Row } from '../report.ts';
import { startServer } from '../stage.ts';
import { percentile } from '../statistics.ts';
import { ThroughUs } from '../through-us.ts';

const program = fileURLToPath(new URL('../agents/stamping-agent.ts', import.meta.url));
const MESSAGE = 'lines=400 every=3';
const ROUNDS = 3;

/**
 * What `performance.now()` lacks to the clock that all processes share, in milliseconds: the largest of many tries, since
 * a process that is held up between the two looks sees too little.
 */
const offset = Math.max(...Array.from({ length: 1_000 }, () => Number(process.hrtime.bigint()) / 1e6 - performance.now()));

function ages(at: number, text: string): number[] {
  return Array.from(text.matchAll(/\d{9,}/g), ([nanoseconds]) => at + offset - Number(nanoseconds) / 1e6);
}

/**
 * From the moment in which an agent writes a line to `out` until its event is at a client: watched, read, framed, decoded,
 * committed, published, sent, parsed. The agent puts the time into the line. Beside it the same agent on a plain pipe to the client.
 */
export async function journalLatency(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const holdfast = await startServer(cleanup, { CLAUDE_COMMAND: command(cleanup) });
    const client = await ThroughUs.open(holdfast, cleanup);
    const ours: number[] = [];
    const pipe: number[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      const through = (await client.send(MESSAGE)).deltas.flatMap(({ at, text }) => ages(at, text));
      const direct = await overPipe();
      if (round < 0) continue;
      ours.push(...through);
      pipe.push(...direct);
    }
    return [0.5, 0.95, 0.99].map((p) => row(ours, pipe, p));
  } finally {
    await cleanup.run();
  }
}

/** An executable that runs the agent, as CLAUDE_COMMAND wants it. */
function command(cleanup: Cleanup): string {
  const path = join(cleanup.folder(), 'agent');
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o700 });
  return path;
}

/** The agent's lines read straight from its standard output, and parsed as a client parses an event. */
async function overPipe(): Promise<number[]> {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'ignore'] });
  const seen: number[] = [];
  const done = new Promise<void>((resolve, reject) => {
    child.once('error', reject).once('exit', () => resolve());
    eachLine(child.stdout, (line) => {
      const parsed = JSON.parse(line) as { type: string; event?: { delta?: { text?: string } } };
      seen.push(...ages(performance.now(), parsed.event?.delta?.text ?? ''));
      if (parsed.type === 'result') child.stdin.end();
    });
  });
  child.stdin.write(`${JSON.stringify({ type: 'user', uuid: 'bench', message: { content: [{ text: MESSAGE }] } })}\n`);
  await done;
  return seen;
}

function row(ours: number[], pipe: number[], p: number): Row {
  return {
    measure: `from an append to out until its event is at the client, p${p * 100} (n=${ours.length})`,
    ours: milliseconds(percentile(ours, p)),
    baseline: `${milliseconds(percentile(pipe, p))} plain pipe`,
    compared: added(percentile(ours, p) - percentile(pipe, p)),
    target: '',
    met: null,
  };
}
