import type * as fileSystem from 'node:fs';
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { signal } from '../../server/process/identity.ts';
import { JournalWriter } from '../../server/process/journal-writer.ts';
import type { Exit } from '../../server/process/journal-folder.ts';
import { prepareFolder } from '../../server/process/journal-folder.ts';
import type { Batch, TailerOptions } from '../../server/process/tailer.ts';
import { Tailer } from '../../server/process/tailer.ts';
import { start, temporaryFolder } from './temporary.ts';

interface Followed {
  tailer: Tailer;
  lines: string[];
  batches: Batch[];
  errors: unknown[];
}

function follow(folder: string, options: Partial<TailerOptions> = {}): Followed {
  const lines: string[] = [];
  const batches: Batch[] = [];
  const errors: unknown[] = [];
  const tailer = new Tailer({
    folder,
    onBatch: (batch) => {
      batches.push(batch);
      for (const line of batch.lines) lines.push(line.bytes.toString());
      return Promise.resolve();
    },
    onError: (error) => errors.push(error),
    ...options,
  });
  onTestFinished(() => tailer.close());
  return { tailer, lines, batches, errors };
}

function journal(): { folder: string; say: (text: string) => void } {
  const folder = temporaryFolder();
  prepareFolder(folder);
  return { folder, say: (text) => appendFileSync(join(folder, 'out'), text) };
}

describe('tailer', () => {
  test('[JN8] what is appended comes once and in order, from the saved offset on', async () => {
    const { folder, say } = journal();
    say('old\none\n');
    const { lines, batches } = follow(folder, { offset: 4 });
    await expect.poll(() => lines).toEqual(['one']);
    say('two\nthr');
    await expect.poll(() => lines).toEqual(['one', 'two']);
    say('ee\n');
    await expect.poll(() => lines).toEqual(['one', 'two', 'three']);
    expect(batches.at(-1)).toMatchObject({ offset: 18, skipping: false });
  });

  test('[JN9] a batch that could not be saved comes again whole, and nothing is read past it meanwhile', async () => {
    const { folder, say } = journal();
    const seen: string[][] = [];
    const errors: unknown[] = [];
    let failures = 3;
    follow(folder, {
      onError: (error) => errors.push(error),
      onBatch: (batch) => {
        seen.push(batch.lines.map((line) => line.bytes.toString()));
        if (seen.length === 1) say('third\n');
        return failures-- > 0 ? Promise.reject(new Error('locked')) : Promise.resolve();
      },
    });
    say('first\nsecond\n');
    await expect.poll(() => seen.length).toBe(5);
    expect(seen).toEqual([...Array.from({ length: 4 }, () => ['first', 'second']), ['third']]);
    expect(errors).toHaveLength(3);
  });

  test('[JN10] one batch at a time, however much comes', async () => {
    const { folder, say } = journal();
    let under = 0;
    let most = 0;
    let count = 0;
    follow(folder, {
      onBatch: async (batch) => {
        most = Math.max(most, ++under);
        count += batch.lines.length;
        await new Promise((resolve) => setTimeout(resolve, 1));
        under -= 1;
      },
    });
    for (let line = 0; line < 300; line++) say('x'.repeat(5_000) + '\n');
    await expect.poll(() => count).toBe(300);
    expect(most).toBe(1);
  });

  test('[JN11] a drain hands on all that was there, and leaves what has no LF', async () => {
    const { folder, say } = journal();
    const { tailer, lines } = follow(folder);
    say('a\n'.repeat(400_000) + 'no line end');
    await tailer.drain();
    expect(lines).toHaveLength(400_000);
    expect(tailer.rest().toString()).toBe('no line end');
    expect(tailer.offset).toBe(800_000);
    await tailer.drain();
    tailer.close();
    await expect(tailer.drain()).rejects.toMatchObject({ fault: 'closed' });
  });

  test('[JN12] closing settles whoever waits for a drain', async () => {
    const { folder, say } = journal();
    const { tailer } = follow(folder, { onBatch: () => new Promise<void>(() => {}) });
    say('a\n');
    const draining = tailer.drain();
    tailer.close();
    await expect(draining).rejects.toMatchObject({ fault: 'closed' });
  });

  test('[JN13] a line of 5 MB passes whole through tail, agent and journal', async () => {
    const { folder } = await start({ file: 'cat' });
    const { lines } = follow(folder);
    const writer = JournalWriter.open(folder);
    onTestFinished(() => writer.close());
    const line = JSON.stringify({ text: 'é\u2028x'.repeat(1_000_000) });
    await writer.write(0, Buffer.from(line + '\nnext\n'));
    await expect.poll(() => lines.length, { timeout: 10_000 }).toBe(2);
    expect(lines[0] === line).toBe(true);
    expect(lines[1]).toBe('next');
  });

  test('[JN14] a reader that stops inside a line that is too long goes on there, and reports it once', async () => {
    const { folder, say } = journal();
    const first = follow(folder, { maxLineBytes: 1_000 });
    say('before\n' + 'x'.repeat(600_000));
    await first.tailer.drain();
    first.tailer.close();
    const last = first.batches.at(-1)!;
    expect(last).toMatchObject({ lines: [], offset: 600_007, skipping: true });
    expect(first.batches.flatMap((batch) => batch.lines.map((line) => line.tooLong))).toEqual([false, true]);
    const second = follow(folder, { maxLineBytes: 1_000, offset: last.offset, skipping: last.skipping });
    say('end\nafter\n');
    await second.tailer.drain();
    expect(second.lines).toEqual(['after']);
  });

  test('[JN15] the exit is told once, from its rename or if that was missed, and all output can be read after it', async () => {
    const onExit = vi.fn<(exit: Exit) => void>();
    const { agent, folder } = await start({ file: 'cat' });
    follow(folder, { onExit });
    signal(agent, 'SIGKILL');
    await vi.waitFor(() => expect(onExit).toHaveBeenCalledWith({ exitCode: null, signal: 'SIGKILL' }));
    const late = vi.fn<(exit: Exit) => void>();
    follow(folder, { onExit: late });
    await vi.waitFor(() => expect(late).toHaveBeenCalledOnce(), 3_000);
    expect(onExit).toHaveBeenCalledOnce();
  });

  test('[JN16] a journal whose folder was moved or removed under the watch does not end the server', async () => {
    const { folder, say } = journal();
    const { tailer, lines, errors } = follow(folder);
    say('one\n');
    await tailer.drain();
    const moved = folder + '-moved';
    renameSync(folder, moved);
    appendFileSync(join(moved, 'out'), 'two\n');
    await expect.poll(() => lines).toEqual(['one', 'two']);
    rmSync(moved, { recursive: true });
    await tailer.drain();
    expect(errors).toEqual([]);
  });

  test('[JN17] without a watch the poll alone brings every line', async () => {
    const { folder, say } = journal();
    vi.resetModules();
    vi.doMock('node:fs', async (original) => ({
      ...(await original<typeof fileSystem>()),
      watch: () => {
        throw Object.assign(new Error('too many'), { code: 'EMFILE' });
      },
    }));
    onTestFinished(() => {
      vi.doUnmock('node:fs');
      vi.resetModules();
    });
    const { Tailer: Unwatched } = await import('../../server/process/tailer.ts');
    const lines: string[] = [];
    const onExit = vi.fn();
    const tailer = new Unwatched({
      folder,
      onBatch: (batch) => Promise.resolve(void lines.push(...batch.lines.map((line) => line.bytes.toString()))),
      onError: (error) => expect.unreachable(String(error)),
      onExit,
    });
    onTestFinished(() => tailer.close());
    await tailer.drain();
    say('one\n');
    await expect.poll(() => lines).toEqual(['one']);
    writeFileSync(join(folder, 'exit.0'), '');
    await vi.waitFor(() => expect(onExit).toHaveBeenCalledOnce(), 3_000);
  });
});
