/** What an agent lets its client know; the client takes the time. */
export interface Heard {
  /** It can take messages. */
  ready(): void;
  text(delta: string): void;
  /** The turn has ended; `trouble` where not as it should. */
  ended(trouble?: string): void;
}

/** One conversation on pipes. */
export interface Dialogue {
  /** Takes a line of the agent. */
  hear(line: string): void;
  /** Sends a user's message. */
  say(text: string): void;
}

export type Write = (message: object) => void;

/** The least that a client must speak of a protocol. It shares no code with the server's drivers, so that it shows what they cost. */
export interface Protocol {
  args: readonly string[];
  /** Whether the first message may be written before the agent has said that it is ready. */
  early: boolean;
  /** Says what comes first in a new conversation in a project folder. */
  begin(write: Write, heard: Heard, project: string): Dialogue;
}
