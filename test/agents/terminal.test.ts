import { describe, expect, it } from 'vitest';
import type { LaunchRequest, Output } from '../../server/agents/driver.ts';
import { terminalDriver } from '../../server/agents/terminal/driver.ts';
import { facts } from '../../server/agents/terminal/screen.ts';
import type { TerminalState } from '../../server/agents/terminal/state.ts';
import { hostileLines, mangledLine, seeded } from './fuzz.ts';

const nonce = '0b9f1c0e-7b62-4b83-8f3e-0f5a4f5d7a11';
const request: LaunchRequest = {
  agentSessionId: nonce,
  resume: false,
  projectPath: '/pro#(ject);',
  mode: 'ask',
  model: null,
  filesPath: '/files',
  temporaryPath: '/temporary',
  command: '/usr/bin/tmux',
  terminal: { folder: '/journal', name: 'default', command: 'sleep 1;', cols: 80, rows: 24 },
};
const { terminal } = terminalDriver;
if (!terminal) throw new Error('A terminal has no side of its own.');
const attached = (): TerminalState => terminalDriver.decode('%session-changed $0 default', terminalDriver.begin(request).state).state;
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Plays lines; `between` may put another state of equal worth in place. */
function play(lines: string[], state: TerminalState, between = (value: TerminalState) => value) {
  const outputs: Output[] = [];
  const replies: string[] = [];
  for (const line of lines) {
    const decoded = terminalDriver.decode(line, state);
    outputs.push(...decoded.outputs);
    replies.push(...decoded.replies);
    state = between(decoded.state);
  }
  return { outputs, replies, state };
}

function randomBytes(random: () => number, length: number): Buffer {
  const byte = (): number => {
    if (random() < 0.1) return 0;
    return random() < 0.1 ? 27 : Math.floor(random() * 256);
  };
  return Buffer.from(Array.from({ length }, byte));
}

/** What tmux types when it is told this. */
function typed(lines: readonly string[]): Buffer {
  return Buffer.concat(
    lines.map((line) => {
      const keys = /^send-keys -t %0 -H ([\da-f ]+)$/.exec(line)?.[1];
      if (keys !== undefined) return Buffer.from(keys.replaceAll(' ', ''), 'hex');
      const pasted = /^set-buffer -b in -- "(.*)" ; paste-buffer -r -d -b in -t %0$/.exec(line)?.[1] ?? 'not understood';
      const text = pasted.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
      return Buffer.from(text, 'latin1');
    }),
  );
}

/** Bytes as tmux prints them, cut anywhere. */
function printed(bytes: Buffer, random: () => number): string[] {
  const lines: string[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + 1 + Math.floor(random() ** 3 * 200));
    const text = bytes.toString('latin1', from, to);
    const begin = random() < 0.5 ? '%output %0' : '%extended-output %0 12 :';
    lines.push(`${begin} ${text.replaceAll(/[\x00-\x1f\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)}`);
    from = to;
  }
  return lines;
}

const bytesOf = (outputs: readonly Output[]): Buffer =>
  Buffer.from(outputs.flatMap((output) => (output.kind === 'output' ? [output.bytes] : [])).join(''), 'latin1');

describe('the terminal driver', () => {
  it('[TT16] tells tmux exactly the bytes that are to be typed, in lines of bounded length (seeds 1-30)', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seeded(seed);
      const bytes = seed === 1 ? Buffer.alloc(20_000) : randomBytes(random, Math.floor(random() * 20_000));
      const { lines, state } = terminal.encode({ kind: 'input', data: bytes.toString('base64') }, attached());
      expect(typed(lines).equals(bytes), `seed ${seed}`).toBe(true);
      for (const line of lines) expect(line.length).toBeLessThan(17_000);
      expect(terminal.unread(state)).toBe(bytes.length);
    }
  });

  it('[TT17] takes what was printed as it was, and the marks out of it, however it was cut and wherever its state was saved (seeds 1-30)', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seeded(seed);
      const said = [randomBytes(random, 300), randomBytes(random, 1_000), Buffer.from('end\x1b]7770;other;=1\x1b\\')];
      const marks = [`\x1b]7770;${nonce};+4711\x1b\\`, `\x1b]7770;${nonce};=137\x1b\\`].map((mark) => Buffer.from(mark));
      const lines = printed(Buffer.concat([said[0], marks[0], said[1], said[2], marks[1]].map((part) => part ?? Buffer.alloc(0))), random);
      const played = play(lines, attached());
      expect(bytesOf(played.outputs).equals(Buffer.concat(said)), `seed ${seed}`).toBe(true);
      expect(played.outputs.filter(({ kind }) => kind !== 'output')).toEqual([{ kind: 'ready', agentSessionId: null }]);
      expect(played.replies).toEqual(['detach-client']);
      expect([terminal.pid(played.state), terminal.hasEnded(played.state)]).toEqual([4711, true]);
      expect(play(lines, attached(), copy)).toEqual(played);
    }
  });

  it('[TT18] holds back what tmux is told until it has the session', () => {
    const begun = terminalDriver.begin(request);
    expect(begun.lines).toEqual([]);
    const early = terminal.encode({ kind: 'input', data: Buffer.from('a').toString('base64') }, begun.state);
    expect(early.lines).toEqual([]);
    const lines = ['%begin 1 2 0', '%end 1 2 0', '%window-add @0', '%session-changed $0 default', '%session-changed $0 default'];
    const { replies, state } = play(lines, early.state);
    expect(replies).toEqual(['resize-window -t %0 -x 80 -y 24', 'send-keys -t %0 -H 61']);
    expect(terminal.encode({ kind: 'resize', cols: 9, rows: 8 }, state).lines).toEqual(['resize-window -t %0 -x 9 -y 8']);
  });

  it('[TT19] matches answers with what was asked, also where a command on a line failed', () => {
    let state = play(['%begin 1 1 1', '%end 1 1 1'], attached()).state;
    for (const command of [
      { kind: 'input', data: Buffer.alloc(100, 'x').toString('base64') },
      { kind: 'screen', id: 'first', lines: 5 },
      { kind: 'resize', cols: 9, rows: 8 },
    ] as const)
      state = terminal.encode(command, state).state;
    const failed = play(
      ['%begin 1 2 1', 'no', '%error 1 2 1', '%begin 1 3 1', 'parse', '%error 1 3 1', '%begin 1 4 1', '%end 1 4 1'],
      state,
    );
    expect(failed.outputs).toEqual([
      { kind: 'notice', data: { code: 'terminal-refused', detail: 'tmux did not do what it was told: no' } },
      { kind: 'notice', data: { code: 'terminal-refused', detail: 'tmux did not do what it was told: parse' } },
      { kind: 'screen', id: 'first', screen: null },
      { kind: 'resized', cols: 9, rows: 8 },
    ]);
    expect([failed.state.expected, terminal.unread(failed.state)]).toEqual([[], 0]);
  });

  it('[TT20] a screen begins with everything that a fresh emulator needs, down to a sequence that is cut off', () => {
    const count = facts.split(',').length;
    const values = ['4', '2', '1', '1', '0', '1', '3', '1', ...Array.from({ length: count - 10 }, () => '0'), '0', '1'];
    const before = play(
      printed(Buffer.from('\x1b[?2004hx\x1b[38;5'), () => 1),
      attached(),
    ).state;
    const asked = terminal.encode({ kind: 'screen', id: 's', lines: 7 }, play(['%begin 1 1 1', '%end 1 1 1'], before).state);
    const answers = [[values.join(',')], ['gone\x1b[31m', '%output %0 no', 'b\x1b[0m'], ['m1', 'm2']];
    const lines = answers.flatMap((answer, index) => [`%begin 1 ${index + 2} 1`, ...answer, `%end 1 ${index + 2} 1`]);
    const [output] = play(lines, asked.state).outputs;
    if (output?.kind !== 'screen' || !output.screen) throw new Error('There is no screen.');
    const { data, ...screen } = output.screen;
    expect(screen).toEqual({ cols: 4, rows: 2, cursorX: 1, cursorY: 1, alternate: true, text: 'gone\n%output %0 no\nb' });
    const drawn = Buffer.from(data, 'base64').toString('latin1');
    // The main screen with what has scrolled out of it, then the other one; each in its own colours.
    const main = '\x1bcgone\x1b[31m\x1b[0m\r\nm1\r\nm2\x1b[2;4H';
    expect(drawn.startsWith(`${main}\x1b[?1049h\x1b[H\x1b[31m%output %0 no\x1b[0m\r\n\x1b[31mb\x1b[0m\x1b`)).toBe(true);
    expect(drawn.endsWith('\x1b[?2004h\x1b[2;2H\x1b[38;5')).toBe(true);
    expect(drawn).toContain('\x1b[?25l');
    expect(asked.lines[0]).toContain('-S -7');
  });

  it('[TT21] keeps what it does not understand, never throws, and its state stays plain JSON (seeds 1-20)', () => {
    for (const line of ['', 'not of tmux', '%from-the-future 1', '%output %7 x'])
      expect(terminalDriver.decode(line, attached()).outputs).toEqual([{ kind: 'unknown', data: { line } }]);
    const [long] = terminalDriver.decode('x'.repeat(5_000_000), attached()).outputs;
    expect(long?.kind === 'unknown' && [long.data.line.length, long.data.truncated]).toEqual([256 * 1024, true]);
    for (let seed = 1; seed <= 20; seed++) {
      const random = seeded(seed);
      const asked = terminal.encode({ kind: 'screen', id: 's', lines: 7 }, attached()).state;
      const lines = [
        '%begin 1 2 1',
        '1,2',
        '%end 1 2 1',
        '%begin 1 3 1',
        ...printed(randomBytes(random, 200), random),
        '%end 1 3 1',
        ...hostileLines,
      ];
      const { state } = play(
        lines.map((line) => (random() < 0.5 ? mangledLine(line, random) : line)),
        asked,
      );
      expect(copy(state)).toEqual(state);
    }
  });

  it('[TT22] hands no name to tmux or a shell that they would read as more than a name', () => {
    const { file, args } = terminalDriver.launch(request);
    expect(file).toBe('/bin/sh');
    expect(args).toContain('/pro##(ject)\\;');
    expect(args.at(-1)).toBe('sleep 1\\;');
    expect(args[1]).not.toContain('/journal');
    expect(() => terminalDriver.encode({ kind: 'cancel' }, attached())).toThrow(expect.objectContaining({ code: 'not-supported' }));
    expect(terminalDriver.migrate(attached(), 1)).toEqual(attached());
    expect(terminalDriver.migrate({}, 2)).toBeNull();
  });
});
