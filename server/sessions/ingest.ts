import { isUtf8 } from 'node:buffer';
import type { Output } from '../agents/driver.ts';
import type { FramedLine } from '../process/framing.ts';
import { maxLineBytes } from '../process/framing.ts';
import type { Cell, Committed } from './cell.ts';
import { tell } from './cell.ts';
import type { Batch, Incarnation } from './incarnation.ts';
import { recordOutputs } from './record-outputs.ts';

/** Decodes a batch and commits its events, the `out` offset, the driver's state and its replies in one transaction. */
export function ingest(cell: Cell, incarnation: Incarnation, batch: Batch): Committed {
  const { store, probe } = cell.context;
  probe('read');
  const { outputs, replies, state } = decodeLines(incarnation, batch.lines);
  const source = { store, session: cell.key, incarnationId: incarnation.id, pid: incarnation.agent.pid };
  const committed = tell(cell, incarnation, { lines: replies, state }, (recording) => {
    recordOutputs(source, recording, outputs);
    store.incarnations.setOut(incarnation.id, batch.offset, batch.skipping);
  });
  incarnation.outOffset = batch.offset;
  return committed;
}

function decodeLines(incarnation: Incarnation, lines: readonly FramedLine[]): { outputs: Output[]; replies: string[]; state: unknown } {
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
    if (!isUtf8(line.bytes))
      outputs.push(notice('not-utf8', 'The agent printed bytes that are not UTF-8; they are shown as replacement characters.'));
    const decoded = incarnation.driver.decode(line.bytes.toString('utf8'), state);
    outputs.push(...decoded.outputs);
    replies.push(...decoded.replies);
    state = decoded.state;
  }
  return { outputs, replies, state };
}

function notice(code: string, detail: string): Output {
  return { kind: 'notice', data: { code, detail } };
}
