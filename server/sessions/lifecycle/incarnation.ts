import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Driver } from '../../agents/driver.ts';
import type { Clock } from '../../platform/clock.ts';
import type { ProcessIdentity } from '../../process/identity.ts';
import type { RecordedLine } from '../../process/journal-repair.ts';
import { JournalWriter } from '../../process/journal-writer.ts';
import type { Batch } from '../../process/tailer.ts';
import type { MembersQuery } from '../../process/members.ts';
import { continueAll, continueSeen, stopAll } from '../../process/pause.ts';
import type { ProcessTable } from '../../process/process-table.ts';
import { punchHole } from '../../process/punch-hole.ts';
import { Tailer } from '../../process/tailer.ts';
import { terminate } from '../../process/terminate.ts';
import { Watchdog } from '../../process/watchdog.ts';

export type { Batch };

const FREED_AT_ONCE = 16 * 1024 * 1024;

/** A line that stands in the database and has to come into the file `in`. `turnId`: it is that turn's message. */
export interface PendingLine {
  offset: number;
  bytes: Buffer;
  turnId?: string;
}

export interface IncarnationParts {
  id: string;
  /** DATA_DIR/incarnations/<id>. */
  folder: string;
  mark: string;
  driver: Driver;
  wrapper: ProcessIdentity | null;
  agent: ProcessIdentity;
  /** Where to go on: sizes in bytes and the driver's state. */
  inSize: number;
  outOffset: number;
  skipping: boolean;
  state: unknown;
  mode: string;
  model: string | null;
  effort: string | null;
  clock: Clock;
}

export interface IncarnationEvents {
  /** Settles when the batch is committed; a rejected batch comes again. */
  onBatch: (batch: Batch) => Promise<void>;
  /** Called once, when the process has ended or can no longer be watched. */
  onGone: () => void;
  onStalled: (error: unknown) => void;
  onError: (error: unknown) => void;
}

/** One live process of a session: its journal, and the driver's state as it was last committed. */
export class Incarnation {
  readonly id: string;
  readonly folder: string;
  readonly mark: string;
  readonly driver: Driver;
  readonly wrapper: ProcessIdentity | null;
  readonly agent: ProcessIdentity;
  /** Bytes that the database has recorded for `in`. */
  inSize: number;
  state: unknown;
  mode: string;
  model: string | null;
  effort: string | null;
  /** Bytes of `out` that are committed. */
  outOffset: number;
  /** How often in a row a batch could not be taken, for another reason than a full disk. */
  refusals = 0;
  /** Bytes of a terminal's events since its log was last looked at. */
  untrimmed = 0;
  /** Bytes of `out` whose disk blocks were given back. */
  #freed = 0;
  readonly #clock: Clock;
  readonly #writer: JournalWriter;
  readonly #tailer: Tailer;
  readonly #watchdog: Watchdog;
  #isGone = false;

  constructor(parts: IncarnationParts, events: IncarnationEvents) {
    this.id = parts.id;
    this.folder = parts.folder;
    this.mark = parts.mark;
    this.driver = parts.driver;
    this.wrapper = parts.wrapper;
    this.agent = parts.agent;
    this.inSize = parts.inSize;
    this.outOffset = parts.outOffset;
    this.state = parts.state;
    this.mode = parts.mode;
    this.model = parts.model;
    this.effort = parts.effort;
    this.#clock = parts.clock;
    const { folder, clock, wrapper, agent } = parts;
    const onGone = (): void => {
      if (this.#isGone) return;
      this.#isGone = true;
      events.onGone();
    };
    this.#writer = JournalWriter.open(folder, { clock, onStalled: events.onStalled });
    const place = { folder, offset: parts.outOffset, skipping: parts.skipping, clock };
    this.#tailer = new Tailer({ ...place, onBatch: events.onBatch, onError: events.onError, onExit: onGone });
    this.#watchdog = new Watchdog({ folder, wrapper, agent, clock, onGone });
  }

  /** The pid of what its owner runs. */
  get pid(): number {
    return this.driver.terminal?.pid(this.state) ?? this.agent.pid;
  }

  /** Folder for files that came with messages. */
  get filesPath(): string {
    return filesPathOf(this.folder);
  }

  /** Writes what `in` lacks of the lines that the database has recorded. */
  async repair(lines: readonly RecordedLine[]): Promise<void> {
    const size = this.#writer.size();
    const missing = lines.filter((line) => line.offset + line.length > size);
    if (missing.length > 0) await this.#writer.repair(missing);
  }

  write(line: PendingLine): Promise<void> {
    return this.#writer.write(line.offset, line.bytes);
  }

  /** Reads `out` to its present end. */
  drain(): Promise<void> {
    return this.#tailer.drain();
  }

  /** What is left at the end without an LF. */
  rest(): Buffer {
    return this.#tailer.rest();
  }

  /** Gives the disk back what was read and committed, now and then: a terminal can't move to a fresh journal. Why that failed, or null. */
  async freeRead(): Promise<string | null> {
    if (this.outOffset - this.#freed < FREED_AT_ONCE) return null;
    const from = this.#freed;
    this.#freed = this.outOffset;
    return punchHole(join(this.folder, 'out'), from, this.#freed);
  }

  /** Ends the process and everything that belongs to it; `clean` lets the agent finish and save first. */
  async terminate(mode: 'clean' | 'kill', graceMs: { eof: number; term: number }): Promise<void> {
    await terminate(
      { folder: this.folder, mark: this.mark, identities: { wrapper: this.wrapper, agent: this.agent }, clock: this.#clock, graceMs },
      mode,
    );
  }

  /** Stops every process of it but the wrapper (SIGSTOP). */
  pause(): void {
    stopAll(this.membersQuery);
  }

  /** Lets them go on (SIGCONT). */
  continue(): void {
    continueAll(this.membersQuery);
  }

  /** The same by a look that was taken at the start of the server, which serves all its incarnations. */
  continueSeen(table: ProcessTable): void {
    continueSeen(this.membersQuery, table);
  }

  /** What finds all processes that belong to it. */
  get membersQuery(): MembersQuery {
    return { groupId: this.wrapper?.pid ?? null, agent: this.agent, wrapper: this.wrapper, mark: this.mark };
  }

  /** Lets go of the files; the process is not touched. */
  close(): void {
    this.#watchdog.close();
    this.#tailer.close();
    this.#writer.close();
  }
}

/** The folder of an incarnation's attachments. */
export function filesPathOf(folder: string): string {
  return join(folder, 'files');
}

/** The folder of an incarnation's temporary files, which goes with its process. */
export function temporaryPathOf(folder: string): string {
  return join(folder, 'tmp');
}

/** Makes the folder of one turn's attachments, 0700. */
export function makeFilesFolder(folder: string, turnId: string): string {
  const path = join(filesPathOf(folder), turnId);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
