import { createHash, randomUUID } from 'node:crypto';
import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/find-command.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';
import { Random, seedOf } from '../support/kill-random.ts';

const sizes = [100, 10_000, 200_000, 1_000_000, 5_000_000, 10_000_000];
const random = new Random(seedOf('KILL_SEED'));

/** A message of so many bytes whose answer is its length and hash. Lines of their own, quotes and wide characters have to survive too. */
function letter(bytes: number): { message: string; answer: string } {
  const head = `length ${randomUUID()}\n`;
  const sentence = 'What a "long" letter — ünïcödé, 漢字, \\ and 🥝, without an end.\n';
  const room = bytes - Buffer.byteLength(head);
  const filler = sentence.repeat(Math.floor(room / Buffer.byteLength(sentence)));
  const message = head + filler + '.'.repeat(room - Buffer.byteLength(filler));
  return { message, answer: `${message.length}:${createHash('sha256').update(message).digest('hex').slice(0, 16)}` };
}

describe('large messages', () => {
  let claude: ClaudeHoldfast;

  beforeAll(async () => {
    claude = await claudeHoldfast({ program: join(packageRoot, 'test/support/killable-server.ts') });
  });
  afterAll(() => claude.dispose());

  /** The journals' `in` as they are: bytes of whole lines, each of them JSON. Throws for a torn one. */
  function linesOf(folder: string): { bytes: number; text: string }[] {
    const text = readFileSync(join(folder, 'in'), 'utf8');
    expect(text === '' || text.endsWith('\n')).toBe(true);
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        JSON.parse(line);
        return { bytes: Buffer.byteLength(line), text: line };
      });
  }

  /** What is recorded for `in` and not known to be written: the last line that the database has. */
  function lastRecorded(): { folder: string; offset: number; bytes: Buffer } {
    const db = new Sqlite(join(claude.holdfast.dataDir, 'holdfast.db'), { readonly: true });
    try {
      const row = db
        .prepare<[], { id: string; offset: number; bytes: Buffer }>(
          'SELECT incarnation_id AS id, offset, bytes FROM in_lines WHERE bytes IS NOT NULL ORDER BY length(bytes) DESC LIMIT 1',
        )
        .get();
      if (!row) throw new Error('Nothing was recorded.');
      return { folder: join(claude.holdfast.dataDir, 'incarnations', row.id), offset: row.offset, bytes: row.bytes };
    } finally {
      db.close();
    }
  }

  /** A new conversation: its agent is up and has been told one word. */
  async function begin(name: string): Promise<{ projectPath: string; sessionId: string; pid: number | undefined }> {
    const { holdfast } = claude;
    const projectPath = holdfast.folder(name);
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath });
    return { projectPath, sessionId, pid: (await holdfast.client.status(sessionId)).pid };
  }

  /** The message was answered by the same process, stands once and whole in its journal, and was seen once. */
  async function verify(
    begun: Awaited<ReturnType<typeof begin>>,
    body: { message: string; messageId: string; projectPath: string },
    answer: string,
  ): Promise<void> {
    const { holdfast } = claude;
    expect(await holdfast.client.ask(body)).toMatchObject({ state: 'completed', sessionId: begun.sessionId, content: answer });
    expect((await holdfast.client.status(begun.sessionId)).pid).toBe(begun.pid);
    const name = body.message.slice(0, body.message.indexOf('\n'));
    const lines = holdfast
      .incarnations()
      .flatMap(linesOf)
      .filter(({ text }) => text.includes(name));
    expect(lines).toHaveLength(1);
    expect(claude.model.requests.filter((request) => !request.side && request.lastUserText.startsWith(name))).toHaveLength(1);
    const history = await holdfast.client.messages(begun.sessionId);
    expect(history.filter(({ turnId }) => turnId === body.messageId).map(({ text }) => text === body.message || text)).toEqual([
      true,
      answer,
    ]);
    await holdfast.client.call('DELETE', `/api/sessions/${begun.sessionId}`);
  }

  it.each(sizes)('[JN20] %i bytes arrive whole when the server is killed right after it took them', async (bytes) => {
    const { holdfast } = claude;
    const begun = await begin(`taken-${bytes}`);
    const { message, answer } = letter(bytes);
    const body = { message, messageId: randomUUID(), projectPath: begun.projectPath };
    expect((await holdfast.client.send(body)).status).toBe(202);
    await sleep(random.below(15));
    await holdfast.kill();
    await holdfast.start();
    await verify(begun, body, answer);
  });

  it.each(sizes.flatMap((bytes) => ['recorded', 'written'].map((step) => ({ bytes, step }))))(
    '[JN20] $bytes bytes arrive whole when the server is killed at the step $step',
    async ({ bytes, step }) => {
      const { holdfast } = claude;
      const begun = await begin(`${step}-${bytes}`);
      const { message, answer } = letter(bytes);
      const body = { message, messageId: randomUUID(), projectPath: begun.projectPath };
      await holdfast.stop();
      await holdfast.start({ KILL_AT: `${step}:1` });
      await holdfast.client.send(body).catch(() => null);
      await holdfast.ended();
      await holdfast.start();
      await verify(begun, body, answer);
    },
  );

  it.each(sizes)('[JN21] %i bytes of which a kill left the first part in the journal reach the agent as one line', async (bytes) => {
    const { holdfast } = claude;
    const begun = await begin(`torn-${bytes}`);
    const { message, answer } = letter(bytes);
    const body = { message, messageId: randomUUID(), projectPath: begun.projectPath };
    await holdfast.stop();
    await holdfast.start({ KILL_AT: 'recorded:1' });
    await holdfast.client.send(body).catch(() => null);
    await holdfast.ended();
    const { folder, offset, bytes: line } = lastRecorded();
    expect(statSync(join(folder, 'in')).size).toBe(offset);
    appendFileSync(join(folder, 'in'), line.subarray(0, 1 + random.below(line.length - 1)));
    // The agent has read the torn part before the rest comes.
    await sleep(50);
    await holdfast.start();
    await verify(begun, body, answer);
  });
});
