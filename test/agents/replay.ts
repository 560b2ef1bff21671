import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { encoded as encodedBy, type TranscriptEntry } from '../../scripts/record/transcript.ts';
import type { Driver, Output } from '../../server/agents/driver.ts';

const folder = join(import.meta.dirname, 'transcripts');

/** A recorded transcript with its name, such as `echo/hello`. */
export interface Transcript {
  name: string;
  entries: TranscriptEntry[];
}

/** The transcripts of an agent, of all its recorded versions. */
export function transcriptsOf(agent: string): Transcript[] {
  const versions = readdirSync(folder).filter((name) => name === agent || name.startsWith(`${agent}-`));
  return versions.flatMap((version) =>
    readdirSync(join(folder, version)).map((file) => ({
      name: `${version}/${file.replace('.jsonl', '')}`,
      entries: readFileSync(join(folder, version, file), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as TranscriptEntry),
    })),
  );
}

/** What a driver makes of a transcript: its outputs, the lines that it would have written, and its states. */
export interface Replayed {
  outputs: Output[];
  /** Lines of begin, commands and replies, in order. */
  written: string[];
  states: unknown[];
}

/** Plays a transcript through a driver. `between` may put another state of equal worth in place at every line. */
export function replay<S>(driver: Driver<S>, entries: TranscriptEntry[], between: (state: S) => S = (state) => state): Replayed {
  const played: Replayed = { outputs: [], written: [], states: [] };
  let state: S | undefined;
  for (const entry of entries) {
    if (entry.dir === 'begin') {
      const begun = driver.begin(entry.request);
      played.written.push(...begun.lines);
      state = begun.state;
    } else if (state === undefined) {
      throw new Error('A transcript starts with begin');
    } else if (entry.dir === 'out') {
      const decoded = driver.decode(entry.line, state);
      played.outputs.push(...decoded.outputs);
      played.written.push(...decoded.replies);
      state = decoded.state;
    } else if (entry.command !== undefined) {
      const encoded = encodedBy(driver, entry.command, state);
      played.written.push(...encoded.lines);
      state = encoded.state;
    }
    state = between(state);
    played.states.push(state);
  }
  return played;
}
