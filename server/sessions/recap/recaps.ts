import type { Recap, RecapFacts, RecapStyle } from '../../contracts/recap.ts';
import { checkCursor, readKinds } from '../../events/event-pages.ts';
import type { StoredEvent } from '../../events/stored-event.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { SessionContext } from '../context.ts';
import type { Prose, ProseWriter } from './prose-writer.ts';
import type { TellingEvent } from './recap.ts';
import { RecapFold, tellingKinds } from './recap.ts';
import { recapText } from './recap-text.ts';

/** Recaps that are remembered, each with what it has read so far. */
const REMEMBERED = 64;
const kinds = JSON.stringify(tellingKinds);

interface Remembered {
  fold: RecapFold;
  /** What the agent wrote when `told` was the last seq that told something. */
  prose: { told: number; text: string } | null;
}

/**
 * What happened in sessions since their readers' cursors, from the log: a running turn is not waited for, and nothing is said to the
 * conversation. What was read is remembered, so that a second recap only reads what is new.
 */
export class Recaps {
  readonly #context: SessionContext;
  readonly #writer: ProseWriter;
  /** By session and cursor, the least recently used first. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(context: SessionContext, writer: ProseWriter) {
    this.#context = context;
    this.#writer = writer;
    context.log.onDeleted((sessionId) => {
      for (const key of this.#remembered.keys()) if (key.startsWith(sessionId)) this.#remembered.delete(key);
    });
  }

  /** A recap of what came after a cursor; one that the log doesn't reach back to begins where the log does. */
  async of(session: SessionRow, after: number, style: RecapStyle): Promise<Recap> {
    const fit = checkCursor(this.#context.store, session, after);
    const known = this.#entry(session, fit.fits ? after : fit.resumeAt);
    await this.#read(session, known.fold);
    // From here to the answer all is about one moment of the log.
    const { from, cursor, told } = known.fold;
    const facts = known.fold.facts();
    const text = recapText(facts, session.project_path);
    const recap: Recap = { text, from, cursor, style: 'facts', facts };
    if (style === 'facts') return recap;
    if (known.prose?.told === told) return { ...recap, style: 'prose', text: known.prose.text };
    const prose = await this.#prose(session, { from, told, facts, text });
    if (prose.kind === 'unwritten') return { ...recap, note: prose.reason };
    known.prose = { told, text: prose.text };
    return { ...recap, style: 'prose', text: prose.text };
  }

  /** Ends what is being written. */
  close(): Promise<void> {
    return this.#writer.close();
  }

  async #prose(session: SessionRow, told: { from: number; told: number; facts: RecapFacts; text: string }): Promise<Prose> {
    if (told.facts.since === null) return { kind: 'unwritten', reason: 'Nothing has happened.' };
    return this.#writer.write(session, `${told.from}.${told.told}`, told.facts, told.text);
  }

  #entry(session: SessionRow, from: number): Remembered {
    const key = `${session.id} ${from}`;
    const known = this.#remembered.get(key) ?? { fold: new RecapFold(from, this.#startOf(session, from)), prose: null };
    this.#remembered.delete(key);
    this.#remembered.set(key, known);
    if (this.#remembered.size > REMEMBERED) for (const oldest of this.#remembered.keys()) return (this.#remembered.delete(oldest), known);
    return known;
  }

  /** A turn that was open at the cursor is read from its beginning, so that its end can be told with what it was about. */
  #startOf(session: SessionRow, from: number): number {
    const first = this.#context.store.turns.firstOpenAt(session.num, from);
    return first === null ? from : Math.min(from, first - 1);
  }

  /** Reads on to the log's end; between pages others get their turn. Each page goes on from the fold's own cursor, so that two may read. */
  async #read(session: SessionRow, fold: RecapFold): Promise<void> {
    for (;;) {
      const page = readKinds(this.#context.store, session, fold.cursor, kinds);
      for (const event of page.events) fold.take(telling(event));
      fold.cursor = page.cursor;
      if (page.done) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function telling({ seq, at, kind, turnId, data }: StoredEvent): TellingEvent {
  return { seq, at, kind, data: JSON.parse(data) as unknown, ...(turnId === null ? {} : { turnId }) } as TellingEvent;
}
