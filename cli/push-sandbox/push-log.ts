import { wasTaken, type PushRecord } from './push-record.ts';

/** Numbers that go on counting when the records themselves are gone. */
export interface PushCounts {
  received: number;
  accepted: number;
  refused: number;
  broken: number;
  gone: number;
  /** Reasons of refusals, how often each. */
  reasons: Record<string, number>;
  /** Records that made room for newer ones. */
  forgotten: number;
}

const MOST_REASONS = 100;

/** The newest pushes, oldest first, and by phone; older ones are only counted. */
export class PushLog {
  readonly #capacity: number;
  readonly #records: PushRecord[] = [];
  readonly #byToken = new Map<string, PushRecord[]>();
  readonly #counts: PushCounts = { received: 0, accepted: 0, refused: 0, broken: 0, gone: 0, reasons: {}, forgotten: 0 };

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The number of the next push. */
  next(): number {
    return ++this.#counts.received;
  }

  add(record: PushRecord): void {
    this.#records.push(record);
    const token = record.token.toLowerCase();
    const own = this.#byToken.get(token) ?? [];
    own.push(record);
    // The phone with the newest push comes last.
    this.#byToken.delete(token);
    this.#byToken.set(token, own);
    if (this.#records.length > this.#capacity) this.#forgetOldest();
  }

  /** Counts an outcome, once it is known. */
  count({ outcome }: PushRecord): void {
    if (outcome.kind === 'waiting') return;
    this.#counts[outcome.kind]++;
    if (outcome.kind !== 'refused') return;
    const known = outcome.reason in this.#counts.reasons || Object.keys(this.#counts.reasons).length < MOST_REASONS;
    const reason = known ? outcome.reason : 'others';
    this.#counts.reasons[reason] = (this.#counts.reasons[reason] ?? 0) + 1;
  }

  /** What is kept, oldest first, behind the push of a number. */
  records(after = 0, limit = Infinity): PushRecord[] {
    const from = this.#records.findIndex((record) => record.n > after);
    return from < 0 ? [] : this.#records.slice(from, from + limit);
  }

  /** What reached a phone, oldest first. */
  takenBy(token: string): PushRecord[] {
    return (this.#byToken.get(token.toLowerCase()) ?? []).filter(wasTaken);
  }

  /** Tokens that were pushed to, the latest first. */
  tokens(limit = Infinity): string[] {
    return [...this.#byToken.keys()].slice(limit === Infinity ? 0 : -limit).reverse();
  }

  counts(): PushCounts {
    return { ...this.#counts, reasons: { ...this.#counts.reasons } };
  }

  #forgetOldest(): void {
    const oldest = this.#records.shift();
    if (oldest === undefined) return;
    this.#counts.forgotten++;
    const token = oldest.token.toLowerCase();
    const own = this.#byToken.get(token);
    // It is the oldest of its phone, too.
    own?.shift();
    if (own?.length === 0) this.#byToken.delete(token);
  }
}
