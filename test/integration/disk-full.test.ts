import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventOf, journalOf, pidIn, runs } from '../support/agent-processes.ts';
import { canMount, Disk } from '../support/disk.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';

const base = mkdtempSync(join(tmpdir(), 'holdfast-disks-'));
const mountable = canMount();
if (!mountable) console.warn('disk-full.test.ts is skipped: this user may not mount a tmpfs here (it takes root on Linux).');

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe.skipIf(!mountable)('a full disk', () => {
  let cleanUp: (() => Promise<void>) | null = null;
  afterEach(async () => {
    await cleanUp?.();
    cleanUp = null;
  });

  /** A server whose journals (`incarnations`) or whole DATA_DIR (`all`) lie on a small disk. */
  async function onDisk(what: 'incarnations' | 'all', megabytes: number): Promise<{ holdfast: Holdfast; disk: Disk }> {
    const dataDir = join(base, randomUUID());
    const disk = Disk.mount(what === 'all' ? dataDir : join(dataDir, 'incarnations'), megabytes);
    if (!disk) throw new Error('The disk could not be mounted.');
    const holdfast = await Holdfast.start({ dataDir });
    cleanUp = async () => {
      disk.makeRoom();
      await holdfast.dispose();
      disk.unmount();
    };
    return { holdfast, disk };
  }

  it('[JN70] holds a message back while `in` has no room, says so, and writes the rest of its line when there is room again', async () => {
    const { holdfast, disk } = await onDisk('incarnations', 8);
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.project });
    const folder = await journalOf(holdfast, sessionId);
    const text = `long: ${'é\u2028x'.repeat(40_000)}`;
    disk.fill(64 * 1024);
    const sent = await client.send({ message: text, sessionId });
    expect(sent.status).toBe(202);
    await eventually(async () =>
      (await client.events(sessionId)).some((event) => event.kind === 'notice' && event.data.code === 'disk-full'),
    );
    const second = await client.send({ message: 'second', sessionId });
    expect(second).toMatchObject({ status: 202, body: { position: 1 } });
    expect(await client.status(sessionId)).toMatchObject({ turn: { id: sent.body.messageId, state: 'accepted' }, queued: 1 });
    // Half of it stands there; the agent has no whole line yet, and takes none.
    expect(readFileSync(join(folder, 'in'), 'utf8').endsWith('\n')).toBe(false);
    expect((await client.call('GET', '/health')).status).toBe(200);
    disk.makeRoom();
    await eventually(async () => (await client.messages(sessionId)).length === 6);
    const lines = readFileSync(join(folder, 'in'), 'utf8').split('\n').slice(0, -1);
    expect(lines.map((line) => (JSON.parse(line) as { text: string }).text)).toEqual(['hello', text, 'second']);
    const kinds = (await client.events(sessionId, sent.body.cursor - 1))
      .filter((event) => event.turnId === sent.body.messageId)
      .map((event) => event.kind);
    expect(kinds.filter((kind) => kind.startsWith('turn.'))).toEqual([
      'turn.accepted',
      'turn.written',
      'turn.acknowledged',
      'turn.started',
      'turn.completed',
    ]);
  });

  it('[JN71] keeps what an agent said before its `out` was full, ends its turn with a typed reason, and starts it again when there is room', async () => {
    const { holdfast, disk } = await onDisk('incarnations', 8);
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'remember the word lime', projectPath: holdfast.project });
    const folder = await journalOf(holdfast, sessionId);
    disk.fill(40 * 1024);
    const { messageId, cursor } = (await client.send({ message: 'tokens=5000', sessionId })).body;
    await eventOf(client, sessionId, 'session.exited', cursor);
    const events = (await client.events(sessionId, cursor - 1)).filter((event) => event.turnId === messageId);
    const said = events.flatMap((event) => (event.kind === 'text' ? [event.data.delta] : [])).join('');
    expect(said).toMatch(/^w1 w2 w3 .*w\d+$/);
    expect(events.at(-1)).toMatchObject({ kind: 'turn.interrupted', data: { reason: 'crashed' } });
    const rest = readFileSync(join(folder, 'out'), 'utf8').split('\n').at(-1);
    expect(events.filter((event) => event.kind === 'unknown').map((event) => event.data.line)).toEqual(rest === '' ? [] : [rest]);
    disk.makeRoom();
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is lime.');
  });

  it.each(['in mid-answer', 'idle'])(
    '[JN72] records an exit that came while the disk was full as soon as there is room: %s',
    async (when) => {
      const { holdfast, disk } = await onDisk('all', 24);
      const { client } = holdfast;
      const { sessionId, cursor } = await client.ask({ message: 'remember the word pear', projectPath: holdfast.project });
      const agent = pidIn(await journalOf(holdfast, sessionId), 'agent');
      const turn = when === 'idle' ? null : (await client.send({ message: 'tokens=100000 delay=20', sessionId })).body;
      if (turn) await eventOf(client, sessionId, 'text', turn.cursor);
      disk.fill();
      // The store's write-ahead log may have pages to use again: those go first.
      const other = { projectPath: holdfast.project };
      await eventually(async () => (await client.call('POST', '/api/sessions', other)).status === 507);
      process.kill(agent, 'SIGKILL');
      await eventually(() => !runs(agent));
      expect((await client.call('GET', '/health')).status).toBe(200);
      expect((await client.call('GET', '/ready')).status).toBe(503);
      // Long enough for the server to have tried, and failed, to write it down.
      await eventually(() => holdfast.output.includes('full'));
      expect((await client.status(sessionId)).lastExit).toBeUndefined();
      disk.makeRoom();
      const exited = await eventOf(client, sessionId, 'session.exited', cursor);
      expect(exited.data).toMatchObject({ reason: 'crashed', exitCode: null, signal: 'SIGKILL' });
      const endings = (await client.events(sessionId, cursor)).filter((event) => event.kind === 'turn.interrupted');
      expect(endings.map((event) => event.turnId)).toEqual(turn ? [turn.messageId] : []);
      expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is pear.');
    },
  );

  it('[API40] answers 507 while the store has no room, and takes the same message once when it has', async () => {
    const { holdfast, disk } = await onDisk('all', 96);
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.project });
    disk.fill();
    const body = { message: `large ${'x'.repeat(3_000_000)}`, messageId: randomUUID(), sessionId };
    const refused = await client.call<{ code: string; error: string }>('POST', '/api/chat', body);
    expect(refused).toMatchObject({ status: 507, body: { code: 'disk-full' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(
      (await client.call('POST', '/api/sessions', { projectPath: holdfast.project, name: 'n'.repeat(200), labels: [] })).status,
    ).toSatisfy((status: number) => [201, 507].includes(status));
    expect((await client.messages(sessionId)).map((message) => message.role)).toEqual(['user', 'assistant']);
    disk.makeRoom();
    expect(await client.ask(body)).toMatchObject({ state: 'completed', messageId: body.messageId });
    expect(await client.messages(sessionId)).toHaveLength(4);
  });

  it('[SE70] fails the start of an agent for want of room with its code, and starts it when there is room', async () => {
    const { holdfast, disk } = await onDisk('incarnations', 8);
    const { client } = holdfast;
    disk.fill();
    const failed = await client.ask({ message: 'hello', projectPath: holdfast.project });
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'disk-full' } });
    expect(await client.session(failed.sessionId)).toMatchObject({ state: 'failed', failure: { code: 'disk-full' } });
    const started = await client.call<{ code: string }>('POST', `/api/sessions/${failed.sessionId}/start`);
    expect(started).toMatchObject({ status: 507, body: { code: 'disk-full' } });
    disk.makeRoom();
    expect((await client.ask({ message: 'hello', sessionId: failed.sessionId })).content).toBe('You said: hello');
  });

  it('[SET20] does not start a server without room, says so in a sentence, and starts it on the same folder when there is room', async () => {
    const { holdfast, disk } = await onDisk('all', 24);
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'remember the word lemon', projectPath: holdfast.project });
    const { pid } = await client.status(sessionId);
    await holdfast.kill();
    disk.fill();
    const refusal = await holdfast.start().then(
      () => null,
      (error: unknown) => String(error),
    );
    if (refusal !== null) {
      expect(refusal).toMatch(/ended \(1\) before it listened: Holdfast cannot start: .*disk.* is full/i);
      expect(refusal).not.toContain('    at ');
    } else await holdfast.kill();
    disk.makeRoom();
    await holdfast.start();
    expect((await holdfast.client.status(sessionId)).pid).toBe(pid);
    expect((await holdfast.client.ask({ message: 'what word', sessionId })).content).toBe('The word is lemon.');
  });

  it('[JN73] loses and doubles nothing that was accepted while a disk is full again and again', async () => {
    const { holdfast, disk } = await onDisk('all', 32);
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.project });
    const statuses = new Set<number>();
    const accepted: string[] = [];
    for (let index = 0; index < 12; index++) {
      const body = { message: `tokens=${50 + index} ${'y'.repeat(index % 3 === 0 ? 300_000 : 10)}`, messageId: randomUUID(), sessionId };
      disk.fill((index % 4) * 150_000);
      const { status } = await client.call('POST', '/api/chat', body);
      statuses.add(status);
      disk.makeRoom();
      if (status !== 202) {
        const again = await eventually(async () => ((await client.call('POST', '/api/chat', body)).status === 202 ? true : null));
        expect(again).toBe(true);
      }
      accepted.push(body.messageId);
    }
    expect([...statuses].every((status) => status === 202 || status === 507)).toBe(true);
    await eventually(async () => (await client.status(sessionId)).queued === 0 && (await client.status(sessionId)).turn === undefined, 40);
    const events = await client.events(sessionId);
    expect(events.map((event) => event.seq)).toEqual(events.map((_event, index) => index + 1));
    const endings = events.filter((event) => /^turn\.(completed|failed|cancelled|interrupted)$/.test(event.kind));
    expect(endings.slice(1).map((event) => event.turnId)).toEqual(accepted);
    // A turn that the full disk itself ended says so with its type; whoever completed said everything.
    for (const event of endings.slice(1)) {
      expect([event.kind, event.data]).toEqual([expect.stringMatching(/^turn\.(completed|interrupted|failed)$/), expect.anything()]);
      if (event.kind === 'turn.failed') expect(event.data.code).toBe('disk-full');
      const count = 50 + accepted.indexOf(event.turnId ?? '');
      const whole = Array.from({ length: count }, (_unused, index) => `w${index + 1}`).join(' ');
      if (event.kind === 'turn.completed') expect(event.data.text).toBe(whole);
    }
    expect((await client.messages(sessionId)).filter((message) => message.role === 'user').map((message) => message.id)).toEqual([
      expect.any(String),
      ...accepted,
    ]);
  });
});
