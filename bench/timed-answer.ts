/** When the pieces of an answer reached the client, in milliseconds of the client's clock. */
export interface TimedAnswer {
  sentAt: number;
  deltas: { at: number; text: string }[];
}

/** Milliseconds from sending the message to the first piece of text. */
export function firstTokenMs(answer: TimedAnswer): number {
  return (answer.deltas[0]?.at ?? NaN) - answer.sentAt;
}

/** The arrival of each token of an answer to `tokens=N`; tokens that came together have the same time. */
export function tokenTimes(answer: TimedAnswer): number[] {
  return answer.deltas.flatMap(({ at, text }) => Array.from(text.matchAll(/w\d+/g), () => at));
}
