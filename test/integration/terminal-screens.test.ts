import { afterEach, describe, expect, it } from 'vitest';
import type { ScreenView } from '../../server/contracts/terminal.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { TestSocket, type Frame } from '../support/socket.ts';
import { bytesOf, emulate, has, shown, TestTerminal } from '../support/terminal.ts';

type ShownEvent = { seq: number; kind: string; data: unknown };
const bytes = (data: string): Buffer => Buffer.from(data, 'base64');

/** A device with an emulator: it begins with a screen and follows the events after it. */
class Device {
  readonly socket: TestSocket;
  readonly terminal: TestTerminal;
  begun: ScreenView;

  private constructor(socket: TestSocket, terminal: TestTerminal, begun: ScreenView) {
    this.socket = socket;
    this.terminal = terminal;
    this.begun = begun;
  }

  static async attach(url: string, terminal: TestTerminal, after?: { screen: ScreenView; cursor: number }): Promise<Device> {
    const socket = await TestSocket.open(url, '/ws');
    const asked =
      after?.screen ?? ((await socket.request('terminal.screen', { sessionId: terminal.id, lines: 100 })).payload as unknown as ScreenView);
    await socket.request('session.attach', { sessionId: terminal.id, after: after?.cursor ?? asked.cursor });
    return new Device(socket, terminal, asked);
  }

  get events(): ShownEvent[] {
    return this.socket.frames.flatMap((frame: Frame) => (frame.type === 'event' ? [frame.payload as unknown as ShownEvent] : []));
  }

  request(type: string, payload: object): Promise<Frame> {
    return this.socket.request(type, { sessionId: this.terminal.id, ...payload });
  }

  /** What its emulator shows after all events up to a cursor. */
  shows(upTo: ScreenView, earlier: readonly ShownEvent[] = []): Promise<string> {
    const events = [...earlier, ...this.events].filter(({ seq }) => seq > this.begun.cursor && seq <= upTo.cursor);
    return emulate(Buffer.concat([bytes(this.begun.data), bytesOf(events)]), upTo.cols, upTo.rows);
  }

  /** Waits until the events up to a cursor came. */
  async reaches(cursor: number): Promise<void> {
    await eventually(() => (this.events.at(-1)?.seq ?? this.begun.cursor) >= cursor);
  }
}

describe.skipIf(!has('tmux') || !has('vim'))("a terminal's screen (needs tmux and vim)", () => {
  const cleanups: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function server(): Promise<Holdfast> {
    const holdfast = await Holdfast.start({ env: { SHELL: '/bin/sh', PS1: '$ ' } });
    cleanups.push(() => holdfast.dispose());
    return holdfast;
  }

  it('[TT12] vim on two sockets: the same screen on both, also after a kill -9 of the server, and keys still work', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast, { command: "vim -u NONE -N -c 'set number ruler' notes.txt", cols: 60, rows: 16 });
    await terminal.shows('notes.txt');
    const one = await Device.attach(holdfast.url, terminal);
    expect(one.begun.alternate).toBe(true);
    await one.request('terminal.input', { text: 'ihello from one\rÄ second line\x1b' });
    await terminal.shows(/2 .*second line/);
    const two = await Device.attach(holdfast.url, terminal);
    await two.request('terminal.input', { text: 'othird by two\x1bgg' });
    const before = await terminal.shows(/3 third by two[^]*1,1/);
    for (const device of [one, two]) {
      await device.reaches(before.cursor);
      expect(await device.shows(before)).toBe(shown(before.text));
    }

    await holdfast.kill();
    await holdfast.start();
    const after = await terminal.screen();
    expect({ ...after, cursor: 0 }).toEqual({ ...before, cursor: 0 });
    const again = await Device.attach(holdfast.url, terminal, { screen: one.begun, cursor: one.events.at(-1)?.seq ?? 0 });
    await again.request('terminal.input', { text: 'Gofourth after the kill\x1b:w\r' });
    const last = await terminal.shows(/4 fourth after the kill[^]*written/);
    await again.reaches(last.cursor);
    expect(await again.shows(last, one.events)).toBe(shown(last.text));
    for (const device of [one, two, again]) await device.socket.close();
  });

  it('[TT13] a screen stands for one place of the output, with what has scrolled out, while much is printed', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast, { cols: 40, rows: 10 });
    await terminal.type('seq 1 300000; echo e""nd\r');
    await terminal.prints('\n1000\r\n');
    for (let round = 0; round < 5; round++) {
      const screen = await terminal.screen(50);
      const printed = (await terminal.printed()).toString('latin1');
      const until = bytesOf((await terminal.events()).filter(({ seq }) => seq <= screen.cursor)).toString('latin1');
      // The last whole number on the screen is the last one that was printed up to the cursor.
      const onScreen = screen.text.trimEnd().split('\n').slice(0, -1);
      expect(onScreen.length).toBeGreaterThanOrEqual(9);
      const lines = until.trimEnd().split('\r\n');
      const at = lines.lastIndexOf(onScreen.at(-1) ?? '');
      expect(lines.length - at).toBeLessThanOrEqual(2);
      expect(printed.startsWith(until)).toBe(true);
    }
    await terminal.prints('end\r\n');
    const screen = await terminal.screen(50);
    expect(screen.text.trimEnd().split('\n')).toHaveLength(60);
    expect(await emulate(bytes(screen.data), 40, 10)).toBe(shown(screen.text.split('\n').slice(-10).join('\n')));
  });

  it('[TT14] has the size of the device where it was typed last, and all are told', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast);
    const phone = await Device.attach(holdfast.url, terminal);
    const desk = await Device.attach(holdfast.url, terminal);
    const resizes = (device: Device): unknown[] => device.events.flatMap(({ kind, data }) => (kind === 'resized' ? [data] : []));
    await phone.request('terminal.resize', { cols: 40, rows: 20 });
    await desk.request('terminal.resize', { cols: 120, rows: 50 });
    // tmux hands a new size on to the program a moment later.
    const sees = (device: Device, size: string): Promise<unknown> =>
      eventually(async () => {
        const { cursor } = await holdfast.client.session(terminal.id);
        await device.request('terminal.input', { text: 'stty size\r' });
        return (await terminal.prints(/\d+ \d+\r\n/, cursor)).includes(`${size}\r\n`);
      });
    await sees(desk, '50 120');
    await sees(phone, '20 40');
    await sees(phone, '20 40');
    const sizes = [
      { cols: 40, rows: 20 },
      { cols: 120, rows: 50 },
      { cols: 40, rows: 20 },
    ];
    await eventually(() => resizes(phone).length === 3 && resizes(desk).length === 3);
    expect([resizes(phone), resizes(desk)]).toEqual([sizes, sizes]);
    const screen = await terminal.screen();
    expect(screen).toMatchObject({ cols: 40, rows: 20 });
    expect(await holdfast.client.session(terminal.id)).toMatchObject({ terminal: { cols: 40, rows: 20 } });
    for (const device of [phone, desk]) await device.socket.close();
  });

  it('[TT15] frames of a terminal go to the session of a stream, and wrong ones are named', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast);
    const socket = await TestSocket.open(holdfast.url, `/api/sessions/${terminal.id}/stream?after=0`);
    expect((await socket.request('terminal.input', { data: Buffer.from('echo st""ream\r').toString('base64') })).type).toBe('result');
    await terminal.prints('stream\r\n');
    expect((await socket.request('terminal.screen', {})).payload).toMatchObject({ sessionId: terminal.id, cols: 80 });
    for (const wrong of [{}, { text: 'a', data: 'YQ==' }, { data: '!' }])
      expect((await socket.request('terminal.input', wrong)).payload).toMatchObject({ code: 'bad-frame' });
    for (const wrong of [{ cols: 1, rows: 10 }, { cols: 80 }, { cols: 80.5, rows: 10 }])
      expect((await socket.request('terminal.resize', wrong)).payload).toMatchObject({ code: 'bad-frame' });
    for (const wrong of [{}, { text: 'a', data: 'YQ==' }, { cols: 80 }, { data: 'x' }])
      expect((await terminal.type(wrong)).status).toBe(400);
    await socket.close();
  });
});
