import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { canMount, Disk } from '../support/disk.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { has, TestTerminal } from '../support/terminal.ts';

const base = mkdtempSync(join(tmpdir(), 'holdfast-terminal-disks-'));
const mountable = canMount();
if (!mountable) console.warn('terminal-disk.test.ts is skipped: this user may not mount a tmpfs here (it takes root on Linux).');

afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A PATH with all that is in /usr/bin but perl. */
function withoutPerl(): string {
  const folder = mkdtempSync(join(base, 'bin-'));
  for (const name of readdirSync('/usr/bin')) if (!name.startsWith('perl')) symlinkSync(join('/usr/bin', name), join(folder, name));
  return folder;
}

describe.skipIf(!mountable || !has('tmux') || !has('perl'))('a terminal on a full disk (needs mount, tmux and perl)', () => {
  let cleanUp: (() => Promise<void>) | null = null;
  afterEach(async () => {
    await cleanUp?.();
    cleanUp = null;
  });

  it.each([
    ['journals', 'incarnations', true],
    ['whole data folder', '', true],
    ['journals, without perl', 'incarnations', false],
  ])('[TT28] waits with its program until there is room, says so, and loses and repeats nothing: the %s', async (_what, part, perl) => {
    const dataDir = join(base, randomUUID());
    const disk = Disk.mount(join(dataDir, part), 24);
    if (!disk) throw new Error('The disk could not be mounted.');
    const holdfast = await Holdfast.start({ dataDir, env: { SHELL: '/bin/sh', ...(perl ? {} : { PATH: withoutPerl() }) } });
    cleanUp = async () => {
      disk.makeRoom();
      await holdfast.dispose();
      disk.unmount();
    };
    const command = 'stty raw -echo; printf ready; head -c 1 >/dev/null; sleep 1; seq 1 400000; exit 5';
    const terminal = await TestTerminal.open(holdfast, { command });
    await terminal.prints('ready');
    const pid = await terminal.pid();
    const out = join(holdfast.incarnations()[0] ?? '', 'out');
    await terminal.type('!');
    disk.fill(128 * 1024);
    // It is full, and what is printed waits.
    await eventually(async () => {
      const { size } = statSync(out);
      await new Promise((resolve) => setTimeout(resolve, 700));
      return size > 8_192 && statSync(out).size === size;
    }, 30);
    const said = await holdfast.client.call<{ code: string }>('GET', `/api/sessions/${terminal.id}/screen`);
    expect(said).toMatchObject({ status: 507, body: { code: 'disk-full' } });
    expect(await holdfast.client.status(terminal.id)).toMatchObject({ state: 'ready', pid });
    process.kill(pid, 0);
    disk.makeRoom();
    const { lastExit } = await eventually(async () => {
      const status = await holdfast.client.status(terminal.id);
      return status.lastExit ? status : null;
    }, 50);
    expect(lastExit).toMatchObject({ reason: 'finished', exitCode: 5 });
    const lines = (await terminal.printed()).toString().slice('ready'.length).split('\n');
    expect(lines.length).toBe(400_001);
    expect(lines.every((line, index) => index === 400_000 || line === String(index + 1))).toBe(true);
  });
});
