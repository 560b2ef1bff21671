import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { JournalWriter } from '../../server/process/journal-writer.ts';
import type { JournalWriterOptions } from '../../server/process/journal-writer.ts';
import { prepareFolder } from '../../server/process/launcher.ts';
import { SmallDisk, canMount } from './small-disk.ts';
import { temporaryFolder } from './temporary.ts';

function openIn(folder: string, options: JournalWriterOptions = {}): JournalWriter {
  prepareFolder(folder);
  const writer = JournalWriter.open(folder, options);
  onTestFinished(() => writer.close());
  return writer;
}

function recorded(...texts: string[]): { offset: number; length: number; bytes: Buffer }[] {
  let offset = 0;
  return texts.map((text) => {
    const bytes = Buffer.from(text);
    const line = { offset, length: bytes.length, bytes };
    offset += bytes.length;
    return line;
  });
}

describe('journal writer', () => {
  test('[JN1] lines lie at their offsets in the order of the calls, small and large', async () => {
    const folder = temporaryFolder();
    const writer = openIn(folder);
    const lines = recorded('a\n', 'b'.repeat(3_000_000) + '\n', 'c\n', 'd'.repeat(100_000) + '\n', 'e\n');
    await Promise.all(lines.map((line) => writer.write(line.offset, line.bytes)));
    expect(readFileSync(join(folder, 'in')).equals(Buffer.concat(lines.map((line) => line.bytes)))).toBe(true);
    expect(writer.size()).toBe(3_000_000 + 100_000 + 8);
  });

  test('[JN2] a line is never written elsewhere than at the end: neither over another nor behind a hole', async () => {
    const writer = openIn(temporaryFolder());
    await writer.write(0, Buffer.from('one\n'));
    await expect(writer.write(0, Buffer.from('two\n'))).rejects.toMatchObject({ fault: 'misplaced' });
    await expect(writer.write(5, Buffer.from('two\n'))).rejects.toMatchObject({ fault: 'misplaced' });
    await writer.write(4, Buffer.from('two\n'));
    expect(writer.size()).toBe(8);
  });

  test('[JN3] a line torn by a kill is completed, not repeated, wherever it was torn', async () => {
    const folder = temporaryFolder();
    const lines = recorded('first\n', '{"second":"é\u2028"}\n', '\n', 'last\n');
    const whole = Buffer.concat(lines.map((line) => line.bytes));
    for (let torn = 0; torn <= whole.length; torn++) {
      prepareFolder(folder);
      writeFileSync(join(folder, 'in'), whole.subarray(0, torn));
      const writer = JournalWriter.open(folder);
      expect(await writer.repair(lines)).toBe(whole.length - torn);
      expect(await writer.repair(lines.slice(1))).toBe(0);
      writer.close();
      expect(readFileSync(join(folder, 'in')).equals(whole)).toBe(true);
    }
  });

  test('[JN4] a journal that was not made of the recorded lines is reported and left alone', async () => {
    const folder = temporaryFolder();
    const writer = openIn(folder);
    const lines = recorded('first\n', 'second\n');
    await writer.repair(lines);
    appendFileSync(join(folder, 'in'), 'x');
    await expect(writer.repair(lines)).rejects.toMatchObject({ fault: 'longer' });
    expect(writer.size()).toBe(14);
    truncateSync(join(folder, 'in'), 3);
    await expect(writer.repair(lines.slice(1))).rejects.toMatchObject({ fault: 'shorter' });
    await expect(writer.repair(recorded('xirst\n'))).rejects.toMatchObject({ fault: 'different' });
    await expect(writer.repair([{ offset: 0, length: 9, bytes: Buffer.from('a\n') }])).rejects.toMatchObject({ fault: 'misplaced' });
    expect(readFileSync(join(folder, 'in'), 'utf8')).toBe('fir');
  });

  test('[JN5] after close every write is refused, and closing twice is harmless', async () => {
    const writer = openIn(temporaryFolder());
    const large = writer.write(0, Buffer.alloc(5_000_000, 'x'));
    const second = writer.write(5_000_000, Buffer.from('y'));
    writer.close();
    writer.close();
    await large.catch((error: unknown) => expect(error).toMatchObject({ fault: 'closed' }));
    await expect(second).rejects.toMatchObject({ fault: 'closed' });
    await expect(writer.write(0, Buffer.from('z'))).rejects.toMatchObject({ fault: 'closed' });
  });

  test.skipIf(!canMount)('[JN6] on a full disk a line waits for room and is then whole; the stall is told once (needs mount)', async () => {
    const disk = new SmallDisk();
    const onStalled = vi.fn();
    const onResumed = vi.fn();
    const writer = openIn(disk.folder, { onStalled, onResumed });
    disk.fill(8192);
    const line = Buffer.from('x'.repeat(20_000) + '\n');
    const first = writer.write(0, line);
    const second = writer.write(line.length, Buffer.from('second\n'));
    await vi.waitFor(() => expect(onStalled).toHaveBeenCalledOnce());
    await expect.poll(() => writer.size()).toBe(8192);
    expect(onResumed).not.toHaveBeenCalled();
    disk.makeRoom();
    await Promise.all([first, second]);
    expect(readFileSync(join(disk.folder, 'in'), 'utf8')).toBe('x'.repeat(20_000) + '\nsecond\n');
    expect(onStalled).toHaveBeenCalledOnce();
    expect(onResumed).toHaveBeenCalledOnce();
  });

  test.skipIf(!canMount)('[JN7] closing ends a write that waits for room, and a later repair completes it (needs mount)', async () => {
    const disk = new SmallDisk();
    const onStalled = vi.fn();
    const writer = openIn(disk.folder, { onStalled });
    disk.fill(4096);
    const [line] = recorded('x'.repeat(20_000) + '\n');
    const waiting = writer.write(0, line!.bytes);
    const behind = writer.write(20_001, Buffer.from('never\n'));
    await vi.waitFor(() => expect(onStalled).toHaveBeenCalled());
    writer.close();
    await expect(waiting).rejects.toMatchObject({ fault: 'closed' });
    await expect(behind).rejects.toMatchObject({ fault: 'closed' });
    disk.makeRoom();
    const next = openIn(disk.folder);
    expect(await next.repair([line!])).toBe(20_001 - 4096);
    expect(next.size()).toBe(20_001);
  });
});
