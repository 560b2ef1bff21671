import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { claudeDriver } from '../../server/agents/claude/driver.ts';
import type { Driver } from '../../server/agents/driver.ts';
import { EventLog } from '../../server/events/event-log.ts';
import { systemClock } from '../../server/platform/clock.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { noProbe } from '../../server/platform/probe.ts';
import { LineFramer } from '../../server/process/framing.ts';
import type { Cell } from '../../server/sessions/cell.ts';
import type { SessionContext } from '../../server/sessions/context.ts';
import type { Incarnation } from '../../server/sessions/lifecycle/incarnation.ts';
import { ingest } from '../../server/sessions/ingest.ts';
import { openTurn } from '../../server/sessions/turns/open-turn.ts';
import type { Store } from '../../server/storage/store.ts';
import { acceptTurn, type BenchDatabase, INCARNATION, SESSION } from './database.ts';
import { chunkSizes, type Cut, type RecordedTurn } from './workload.ts';

/** What a run took and made. */
export interface IngestRun {
  milliseconds: number;
  events: number;
  batches: number;
}

type ClaudeState = ReturnType<typeof claudeDriver.begin>['state'];

/** A session with a live process, as far as ingest looks at it. */
function cellOf(store: Store, log: EventLog, driver: Driver): { cell: Cell; incarnation: Incarnation } {
  const context: SessionContext = {
    ...{ store, log, clock: systemClock, logger: makeLogger('silent'), probe: noProbe },
    ...{ agents: new Map(), starts: new PQueue(), newId: randomUUID },
    limits: { maxQueuedMessages: 20, approvalTimeoutMs: 0 },
    data: { dir: '/', id: 'bench', bootId: 'bench' },
  };
  const agent = { pid: process.pid, startTime: 'bench', bootId: 'bench' };
  const incarnation = { id: INCARNATION, agent, driver, state: null, inSize: 0, outOffset: 0 } as unknown as Incarnation;
  return { cell: { context, key: SESSION, state: { kind: 'ready' }, turn: null, screens: new Map(), incarnation }, incarnation };
}

/** The driver's state just after a message was written to the agent. */
function stateOf(turn: RecordedTurn): ClaudeState {
  const request = {
    agentSessionId: '',
    resume: false,
    projectPath: '/project',
    mode: 'auto',
    model: null,
    filesPath: '/files',
    temporaryPath: '/temporary',
    command: 'claude',
  } as const;
  const begun = { ...claudeDriver.begin(request).state, phase: 'ready', announces: 'yes' } as const;
  const { turnId, agentMessageId } = turn;
  return claudeDriver.encode({ kind: 'message', turnId, agentMessageId, text: '', parts: [] }, begun).state;
}

/** Lines whose outputs are known beforehand cost no decoding: see `decodedBefore`. */
function replaying(outputs: Map<string, ReturnType<Driver['decode']>>): Driver {
  return { ...(claudeDriver as Driver), decode: (line, state) => outputs.get(line) ?? { outputs: [], replies: [], state } };
}

/** A driver that only looks up what the real one made of each line, so that what follows decoding is measured alone. */
export function decodedBefore(all: readonly RecordedTurn[]): Driver {
  const known = new Map<string, ReturnType<Driver['decode']>>();
  for (const turn of all) {
    let state: ClaudeState = stateOf(turn);
    for (const line of turn.out.toString('utf8').trimEnd().split('\n')) {
      const decoded = claudeDriver.decode(line, state);
      known.set(line, decoded);
      state = decoded.state;
    }
  }
  return replaying(known);
}

/** The way of an agent's bytes: read from `out`, framed, decoded, committed, published to a reader that encodes them for its client. */
export async function ingestOurs(
  database: Pick<BenchDatabase, 'store' | 'folder'>,
  turns: readonly RecordedTurn[],
  cut: Cut,
  options: { driver?: Driver; onBatch?: () => void } = {},
): Promise<IngestRun> {
  const { store, folder } = database;
  const log = new EventLog({ store, clock: systemClock, logger: makeLogger('silent') });
  const { cell, incarnation } = cellOf(store, log, options.driver ?? claudeDriver);
  const mailbox = new PQueue({ concurrency: 1 });
  const buffer = Buffer.allocUnsafeSlow(256 * 1024);
  const framer = new LineFramer();
  let events = 0;
  let batches = 0;
  let milliseconds = 0;
  log.subscribe(SESSION.id, (published) => {
    for (const event of published) events += event.json.length > 0 ? 1 : 0;
  });
  for (const turn of turns) {
    const path = join(folder, 'out');
    writeFileSync(path, turn.out);
    acceptTurn(store, turn);
    incarnation.state = stateOf(turn);
    const row = store.turns.byId(turn.turnId);
    cell.turn = row ? openTurn(row) : null;
    cell.state = { kind: 'working', turnId: turn.turnId };
    const sizes = chunkSizes(turn.out, cut);
    const fd = openSync(path, 'r');
    let position = 0;
    const started = performance.now();
    for (const size of sizes) {
      const count = readSync(fd, buffer, 0, size, position);
      position += count;
      const lines = framer.push(Buffer.from(buffer.subarray(0, count)));
      const batch = { lines, offset: framer.offset, skipping: framer.skipping };
      await mailbox.add(() => void ingest(cell, incarnation, batch));
      options.onBatch?.();
    }
    milliseconds += performance.now() - started;
    batches += sizes.length;
    closeSync(fd);
  }
  return { milliseconds, events, batches };
}
