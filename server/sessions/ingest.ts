import { isUtf8 } from 'node:buffer';
import type { Output } from '../agents/driver.ts';
import type { FramedLine } from '../process/framing.ts';
import { maxLineBytes } from '../process/framing.ts';
import { isDiskFull } from '../platform/app-error.ts';
import type { Cell, Committed } from './cell.ts';
import { tell } from './cell.ts';
import type { Batch, Incarnation } from './lifecycle/incarnation.ts';
import { recordOutputs } from './record-outputs.ts';
import { mergeOutput } from './terminal/merge-output.ts';
import { tellScreens, type ScreenAnswer } from './terminal/screens.ts';
import { trimLog } from './terminal/trim-log.ts';

/** Characters of a line that an event keeps. */
const MOST_KEPT = 256 * 1024;
/** A batch that fails as often as this for a reason of ours is kept as it came: it must not hold up its session for ever. */
const MOST_REFUSALS = 3;

interface Decoded {
  outputs: Output[];
  replies: string[];
  state: unknown;
}

/**
 * Decodes a batch and commits its events, the `out` offset, the driver's state and its replies in one transaction. Throws when
 * that fails, with nothing changed: the batch comes again.
 */
export function ingest(cell: Cell, incarnation: Incarnation, batch: Batch): Committed {
  cell.context.probe('read');
  try {
    const committed = take(cell, incarnation, batch, decodeLines(incarnation, batch.lines));
    incarnation.refusals = 0;
    return committed;
  } catch (error) {
    if (isDiskFull(error) || ++incarnation.refusals < MOST_REFUSALS) throw error;
    incarnation.refusals = 0;
    cell.context.logger.error(
      { error, sessionId: cell.key.id },
      'lines of an agent could not be taken as what they are; they are kept as they came',
    );
    return take(cell, incarnation, batch, undecoded(incarnation, batch.lines));
  }
}

function take(cell: Cell, incarnation: Incarnation, batch: Batch, { outputs, replies, state }: Decoded): Committed {
  const { store } = cell.context;
  const { approvalTimeoutMs } = cell.context.limits;
  const { terminal } = incarnation.driver;
  const pid = terminal?.pid(state) ?? incarnation.agent.pid;
  const screens: ScreenAnswer[] = [];
  const source = { store, session: cell.key, incarnationId: incarnation.id, pid, approvalTimeoutMs, screens };
  const committed = tell(cell, incarnation, { lines: replies, state }, (recording) => {
    recordOutputs(source, recording, terminal ? mergeOutput(outputs) : outputs);
    if (terminal) incarnation.untrimmed = trimLog(store, cell.key.num, recording.events, incarnation.untrimmed);
    store.incarnations.setOut(incarnation.id, batch.offset, batch.skipping);
  });
  tellScreens(cell, screens);
  incarnation.outOffset = batch.offset;
  if (terminal) void incarnation.freeRead().then((failed) => failed !== null && tellNotFreed(cell, failed));
  incarnation.mode = outputs.findLast((output) => output.kind === 'mode')?.mode ?? incarnation.mode;
  return committed;
}

function undecoded(incarnation: Incarnation, lines: readonly FramedLine[]): Decoded {
  const kept = lines.map((line): Output => {
    const text = line.bytes.toString('utf8');
    return { kind: 'unknown', data: { line: text.slice(0, MOST_KEPT), ...(text.length > MOST_KEPT ? { truncated: true } : {}) } };
  });
  return { outputs: kept, replies: [], state: incarnation.state };
}

function decodeLines(incarnation: Incarnation, lines: readonly FramedLine[]): Decoded {
  const outputs: Output[] = [];
  const replies: string[] = [];
  let state = incarnation.state;
  for (const line of lines) {
    if (line.tooLong) {
      outputs.push(
        notice(
          'line-too-long',
          `The agent printed a line of more than ${maxLineBytes} bytes; it was left out. The file out of incarnation ${incarnation.id} has it.`,
        ),
      );
      continue;
    }
    const { encoding = 'utf8' } = incarnation.driver;
    if (encoding === 'utf8' && !isUtf8(line.bytes))
      outputs.push(notice('not-utf8', 'The agent printed bytes that are not UTF-8; they are shown as replacement characters.'));
    const decoded = incarnation.driver.decode(line.bytes.toString(encoding), state);
    outputs.push(...decoded.outputs);
    replies.push(...decoded.replies);
    state = decoded.state;
  }
  return { outputs, replies, state };
}

function notice(code: string, detail: string): Output {
  return { kind: 'notice', data: { code, detail } };
}

function tellNotFreed(cell: Cell, failed: string): void {
  cell.context.logger.debug({ failed, sessionId: cell.key.id }, "the disk of a terminal's output that was read cannot be given back here");
}
