import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { packFolder } from '../../server/process/pack-folder.ts';
import { tailsOfPacked } from '../../server/process/packed-tail.ts';
import { peakMb, residentMb, resetPeak } from '../support/memory.ts';

describe('a packed folder', () => {
  let root: string;
  let folder: string;
  let target: string;
  let temporary: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-pack-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    folder = join(root, 'journal');
    mkdirSync(join(folder, 'files'), { recursive: true });
    target = join(root, 'packed.tar.gz');
    temporary = join(root, 'packed.unfinished');
  });

  /** What the machine's own tar makes of it. */
  function unpacked(): string {
    const into = join(root, 'into');
    mkdirSync(into);
    execFileSync('tar', ['-xzf', target, '-C', into]);
    return join(into, basename(folder));
  }

  it('[AR7] is read by tar: every file with all its bytes, whatever its size and name', async () => {
    const long = `${'a long name with ünïcode '.repeat(6)}.txt`;
    const files = { in: '{"x":1}\n'.repeat(1_000), out: 'y'.repeat(512), err: '', 'exit.0': '', [`files/${long}`]: 'attached' };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    await packFolder(folder, target, temporary);
    const into = unpacked();
    for (const [name, text] of Object.entries(files)) expect(readFileSync(join(into, name), 'utf8')).toBe(text);
    expect(readdirSync(into).sort()).toEqual(readdirSync(folder).sort());
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(existsSync(temporary)).toBe(false);
  });

  it('[AR7] has no pipes and follows no links', async () => {
    execFileSync('mkfifo', [join(folder, 'p')]);
    symlinkSync('/etc/hostname', join(folder, 'link'));
    writeFileSync(join(folder, 'out'), 'x');
    await packFolder(folder, target, temporary);
    expect(readdirSync(unpacked())).toEqual(['out']);
  });

  it('[AR8] is there whole or not at all: given up in the middle, it leaves nothing', async () => {
    writeFileSync(join(folder, 'out'), '');
    truncateSync(join(folder, 'out'), 512 * 1024 * 1024);
    const giveUp = new AbortController();
    setTimeout(() => giveUp.abort(), 50);
    await expect(packFolder(folder, target, temporary, giveUp.signal)).rejects.toThrow(/abort/);
    expect(existsSync(target) || existsSync(temporary)).toBe(false);
    expect(existsSync(join(folder, 'out'))).toBe(true);
  });

  it('[AR9] takes memory for a piece of it, not for all of it', async () => {
    writeFileSync(join(folder, 'out'), '');
    truncateSync(join(folder, 'out'), 128 * 1024 * 1024);
    const before = residentMb(process.pid);
    resetPeak(process.pid);
    await packFolder(folder, target, temporary);
    expect(peakMb(process.pid) - before).toBeLessThan(60);
    expect(statSync(target).size).toBeGreaterThan(100_000);
  });

  it.each([1, 511, 512, 513, 20_000, 1_000_000])('[AR14] gives the last %i bytes of a file, and says how large it is', async (most) => {
    const long = `files/${'a long name with ünïcode '.repeat(6)}.txt`;
    const out = Array.from({ length: 30_000 }, (_, line) => `line ${line}\n`).join('');
    const files = { err: 'oh\n', 'exit.0': '', 'files/out': 'not this one', [long]: 'z'.repeat(1_000), out, sh: '4711' };
    mkdirSync(join(folder, 'files'), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    await packFolder(folder, target, temporary);
    const tails = await tailsOfPacked(target, ['out', 'err', 'exit.0', 'never written'], most);
    expect([...tails.keys()].sort()).toEqual(['err', 'exit.0', 'out']);
    expect(tails.get('out')).toMatchObject({ size: out.length });
    expect(tails.get('out')?.bytes.toString()).toBe(out.slice(-most));
    expect(tails.get('err')?.bytes.toString()).toBe('oh\n'.slice(-most));
    expect(tails.get('exit.0')).toEqual({ size: 0, bytes: Buffer.alloc(0) });
  });

  it('[AR14] takes memory for the end of a file, not for all of it', async () => {
    writeFileSync(join(folder, 'out'), '');
    truncateSync(join(folder, 'out'), 256 * 1024 * 1024);
    await packFolder(folder, target, temporary);
    const before = residentMb(process.pid);
    resetPeak(process.pid);
    const tails = await tailsOfPacked(target, ['out'], 1024 * 1024);
    expect(tails.get('out')).toMatchObject({ size: 256 * 1024 * 1024 });
    expect(tails.get('out')?.bytes).toHaveLength(1024 * 1024);
    expect(peakMb(process.pid) - before).toBeLessThan(60);
  });

  it('[AR14] a damaged archive is an error and not an empty file', async () => {
    writeFileSync(join(folder, 'out'), 'x'.repeat(100_000));
    await packFolder(folder, target, temporary);
    truncateSync(target, statSync(target).size - 20);
    await expect(tailsOfPacked(target, ['out'], 10)).rejects.toThrow();
  });
});
