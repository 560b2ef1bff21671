export interface FramedLine {
  /** The line without its LF (a CR before it stays). Of one that is too long, its first bytes. Don't keep it beyond the batch without copying. */
  bytes: Buffer;
  /** File offset just after its LF; of a line that is too long and not over yet, the offset reached. */
  end: number;
  /** It is longer than the bound and was dropped; reported once. */
  tooLong: boolean;
}

export const maxLineBytes = 32 * 1024 * 1024;
const keptOfTooLong = 1024;
const LF = 0x0a;

/** Cuts a stream of bytes into lines at LF, and at nothing else. Holds at most one unfinished line, at most `maxBytes` of it. */
export class LineFramer {
  readonly #maxBytes: number;
  /** The unfinished line in a buffer that doubles, so that it costs no copy of everything with each chunk. */
  #held: Buffer = Buffer.alloc(0);
  #heldLength = 0;
  #position: number;
  #offset: number;
  #skipping: boolean;

  /** `offset` and `skipping` are those that an earlier framer of the same stream had come to. */
  constructor(maxBytes: number = maxLineBytes, offset = 0, skipping = false) {
    this.#maxBytes = maxBytes;
    this.#position = offset;
    this.#offset = offset;
    this.#skipping = skipping;
  }

  /** Where another framer can go on without losing or repeating a line: after the last LF; while skipping, where this one is. */
  get offset(): number {
    return this.#offset;
  }

  /** Inside a line that is too long and was reported: everything up to the next LF is dropped. */
  get skipping(): boolean {
    return this.#skipping;
  }

  /** The offset of the next byte to push. */
  get position(): number {
    return this.#position;
  }

  /** What came since the last LF; empty while skipping. */
  rest(): Buffer {
    return this.#held.subarray(0, this.#heldLength);
  }

  /** Takes the next bytes. The lines may point into `chunk`; what is held over is copied. */
  push(chunk: Buffer): FramedLine[] {
    const lines: FramedLine[] = [];
    const base = this.#position;
    this.#position += chunk.length;
    let from = 0;
    while (from < chunk.length) {
      const at = chunk.indexOf(LF, from);
      const piece = chunk.subarray(from, at < 0 ? chunk.length : at);
      if (at < 0) {
        this.#hold(piece, lines);
        break;
      }
      from = at + 1;
      this.#finish(piece, base + from, lines);
    }
    return lines;
  }

  #finish(piece: Buffer, end: number, lines: FramedLine[]): void {
    this.#offset = end;
    if (this.#skipping) {
      this.#skipping = false;
    } else if (this.#heldLength + piece.length > this.#maxBytes) {
      lines.push({ bytes: this.#beginning(piece), end, tooLong: true });
    } else if (this.#heldLength === 0) {
      lines.push({ bytes: piece, end, tooLong: false });
      return;
    } else {
      this.#append(piece);
      lines.push({ bytes: this.rest(), end, tooLong: false });
    }
    this.#drop();
  }

  #hold(piece: Buffer, lines: FramedLine[]): void {
    if (!this.#skipping && this.#heldLength + piece.length > this.#maxBytes) {
      lines.push({ bytes: this.#beginning(piece), end: this.#position, tooLong: true });
      this.#drop();
      this.#skipping = true;
    }
    if (this.#skipping) this.#offset = this.#position;
    else this.#append(piece);
  }

  #append(piece: Buffer): void {
    const length = this.#heldLength + piece.length;
    if (length > this.#held.length) {
      // Small at first: most unfinished lines end with the next chunk.
      const grown = Buffer.allocUnsafeSlow(
        this.#heldLength === 0 ? length : Math.min(Math.max(length, this.#held.length * 2), Math.max(length, this.#maxBytes)),
      );
      this.#held.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    piece.copy(this.#held, this.#heldLength);
    this.#heldLength = length;
  }

  #beginning(piece: Buffer): Buffer {
    return Buffer.concat([this.rest().subarray(0, keptOfTooLong), piece.subarray(0, keptOfTooLong)]).subarray(0, keptOfTooLong);
  }

  // A finished line has been handed on together with its buffer.
  #drop(): void {
    this.#held = Buffer.alloc(0);
    this.#heldLength = 0;
  }
}
