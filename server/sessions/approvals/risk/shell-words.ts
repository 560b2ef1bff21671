/** A word as the shell would see it, quotes taken away. `dynamic`: what it becomes is decided when it runs. */
export interface Word {
  text: string;
  dynamic: boolean;
}

/** Where a command reads from or writes to. */
export interface Redirect {
  op: string;
  target: Word;
}

/** One program with its arguments. */
export interface SimpleCommand {
  words: Word[];
  redirects: Redirect[];
  /** Its input is what another command prints. */
  piped: boolean;
  /** Its input stands in the text itself (a here-document or -string). */
  fed: string | null;
}

/** A shell text as its commands, those in substitutions and subshells too. `unsure`: something in it was not understood. */
export interface ShellText {
  commands: SimpleCommand[];
  unsure: boolean;
}

/** Texts in texts beyond this are not followed. */
const MOST_NESTED = 8;

/** Takes a POSIX (and mostly bash) shell text apart. Runs nothing, expands nothing, never throws. */
export function parseShell(text: string, depth = 0): ShellText {
  if (depth > MOST_NESTED) return { commands: [], unsure: true };
  const reader = new Reader(text, depth);
  return reader.read();
}

/** The characters between an opening bracket at `from` and its partner; null where there is none. */
function bracketed(text: string, from: number): { inner: string; end: number } | null {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === "'" || char === '"') {
      const close = closingQuote(text, at);
      if (close < 0) return null;
      at = close;
    } else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return { inner: text.slice(from + 1, at), end: at + 1 };
  }
  return null;
}

function closingQuote(text: string, from: number, escaped = text[from] === '"'): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at++) {
    if (escaped && text[at] === '\\') at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', f: '\f', v: '\v' };
/** What stands in `$'…'`. */
function unescape(text: string): string {
  return text.replace(/\\(x[\da-f]{1,2}|u[\da-f]{1,4}|U[\da-f]{1,8}|[0-7]{1,3}|[\s\S])/gi, (_whole, code: string) => {
    if (/^[xu]./i.test(code)) return String.fromCodePoint(Math.min(0x10ffff, Number.parseInt(code.slice(1), 16)));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return escapes[code] ?? code;
  });
}

class Reader {
  readonly #text: string;
  readonly #depth: number;
  #at = 0;
  #unsure = false;
  readonly #commands: SimpleCommand[] = [];
  #current: SimpleCommand = fresh(false);
  #word: Word | null = null;
  #awaiting: string | null = null;
  readonly #heredocs: { command: SimpleCommand; end: string; indented: boolean }[] = [];

  constructor(text: string, depth: number) {
    this.#text = text.replaceAll('\r\n', '\n');
    this.#depth = depth;
  }

  read(): ShellText {
    while (this.#at < this.#text.length) this.#step();
    this.#endCommand(false);
    if (this.#awaiting !== null || this.#heredocs.length > 0) this.#unsure = true;
    return { commands: this.#commands, unsure: this.#unsure };
  }

  #step(): void {
    const text = this.#text;
    const char = text[this.#at] ?? '';
    const two = text.slice(this.#at, this.#at + 2);
    if (two === '\\\n') this.#at += 2;
    else if (char === '\\') {
      this.#put(text[this.#at + 1] ?? '');
      this.#at += 2;
    } else if (char === "'") this.#quoted(this.#at, (inner) => inner);
    else if (two === "$'") this.#quoted(this.#at + 1, unescape);
    else if (char === '"' || two === '$"') this.#doubleQuoted(char === '"' ? this.#at : this.#at + 1);
    else if (char === '$' || char === '`') this.#expansion();
    else if (two === '<(' || two === '>(') this.#nested(this.#at + 1);
    else if (char === '#' && this.#word === null) this.#at = indexOr(text, '\n', this.#at);
    else if (char === '\n') this.#newline();
    else if (/\s/.test(char)) {
      this.#endWord();
      this.#at++;
    } else if (/[<>]/.test(char) || two === '&>') this.#redirect();
    else if (/[;&|()]/.test(char)) this.#operator(two);
    else {
      this.#put(char);
      this.#at++;
    }
  }

  #put(text: string, dynamic = false): void {
    this.#word ??= { text: '', dynamic: false };
    this.#word.text += text;
    this.#word.dynamic ||= dynamic;
  }

  #quoted(from: number, read: (inner: string) => string): void {
    // In $'…' a backslash can hide the quote; in '…' nothing can.
    const end = closingQuote(this.#text, from, read === unescape);
    if (end < 0) return this.#giveUp();
    this.#put(read(this.#text.slice(from + 1, end)));
    this.#at = end + 1;
  }

  #doubleQuoted(from: number): void {
    const text = this.#text;
    this.#put('');
    for (this.#at = from + 1; this.#at < text.length;) {
      const char = text[this.#at] ?? '';
      if (char === '"') return void this.#at++;
      if (char === '\\') {
        const next = text[this.#at + 1] ?? '';
        if (next !== '\n') this.#put(/["\\$`]/.test(next) ? next : `\\${next}`);
        this.#at += 2;
      } else if (char === '$' || char === '`') this.#expansion();
      else {
        this.#put(char);
        this.#at++;
      }
    }
    this.#giveUp();
  }

  /** `$x`, `${x}`, `$(…)`, `$((…))`, and the same with backticks: all of them decided when it runs. */
  #expansion(): void {
    const text = this.#text;
    if (text[this.#at] === '`') {
      const end = /(?<!\\)`/g;
      end.lastIndex = this.#at + 1;
      const found = end.exec(text);
      if (!found) return this.#giveUp();
      this.#inside(text.slice(this.#at + 1, found.index).replaceAll('\\`', '`'));
      this.#put('$()', true);
      this.#at = found.index + 1;
    } else if (text[this.#at + 1] === '(') this.#nested(this.#at + 1);
    else if (text[this.#at + 1] === '{') {
      const end = text.indexOf('}', this.#at);
      if (end < 0) return this.#giveUp();
      const inner = text.slice(this.#at + 2, end);
      if (/[$`]\(|`/.test(inner)) this.#unsure = true;
      this.#put(text.slice(this.#at, end + 1), true);
      this.#at = end + 1;
    } else {
      const name = /^\$(?:\w+|[@*#?$!-])?/.exec(text.slice(this.#at, this.#at + 200))?.[0] ?? '$';
      this.#put(name, name.length > 1);
      this.#at += name.length;
    }
  }

  #nested(open: number): void {
    const found = bracketed(this.#text, open);
    if (!found) return this.#giveUp();
    this.#inside(found.inner);
    this.#put('$()', true);
    this.#at = found.end;
  }

  #inside(text: string): void {
    const { commands, unsure } = parseShell(text, this.#depth + 1);
    this.#commands.push(...commands);
    this.#unsure ||= unsure;
  }

  #redirect(): void {
    // A number right before it names a stream and is no argument.
    if (this.#word && /^\d+$/.test(this.#word.text)) this.#word = null;
    this.#endWord();
    const op = /^(?:<<<|<<-|<<|<>|<&|>>|>&|>\||&>>|&>|<|>)/.exec(this.#text.slice(this.#at, this.#at + 3))?.[0] ?? '>';
    this.#at += op.length;
    this.#awaiting = op;
  }

  #operator(two: string): void {
    const op = ['&&', '||', ';;', '|&'].includes(two) ? two : (two[0] ?? '');
    const defines = op === '(' && this.#word !== null;
    this.#endCommand(op === '|' || op === '|&');
    if (defines) this.#unsure = true;
    this.#at += op.length;
  }

  #newline(): void {
    this.#endCommand(false);
    this.#at++;
    for (const { command, end, indented } of this.#heredocs.splice(0)) {
      const lines: string[] = [];
      for (let found = false; !found;) {
        if (this.#at >= this.#text.length) return this.#giveUp();
        const stop = indexOr(this.#text, '\n', this.#at);
        const line = this.#text.slice(this.#at, stop);
        this.#at = stop + 1;
        if ((indented ? line.replace(/^\t+/, '') : line) === end) found = true;
        else lines.push(line);
      }
      command.fed = lines.join('\n');
      // Substitutions in a here-document run, too.
      for (const [, inner = ''] of command.fed.matchAll(/\$\(([^()]*)\)|`[^`]*`/g)) this.#inside(inner);
    }
  }

  #endWord(): void {
    const word = this.#word;
    this.#word = null;
    if (!word) return;
    const op = this.#awaiting;
    this.#awaiting = null;
    if (op === null) this.#current.words.push(word);
    else if (op === '<<<') this.#current.fed = word.text;
    else if (op === '<<' || op === '<<-') this.#heredocs.push({ command: this.#current, end: word.text, indented: op === '<<-' });
    else this.#current.redirects.push({ op, target: word });
  }

  #endCommand(pipes: boolean): void {
    this.#endWord();
    const { words, redirects } = this.#current;
    if (words.length > 0 || redirects.length > 0) this.#commands.push(this.#current);
    this.#current = fresh(pipes);
  }

  #giveUp(): void {
    this.#unsure = true;
    this.#at = this.#text.length;
  }
}

function fresh(piped: boolean): SimpleCommand {
  return { words: [], redirects: [], piped, fed: null };
}

function indexOr(text: string, char: string, from: number): number {
  const found = text.indexOf(char, from);
  return found < 0 ? text.length : found;
}
