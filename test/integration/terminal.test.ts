import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { identify, isAlive } from '../../server/process/identity.ts';
import { members } from '../../server/process/members.ts';
import { readMark } from '../../server/process/stat.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { Random, seedOf } from '../support/kill-random.ts';
import { heldMb, measuredServer } from '../support/memory.ts';
import { StalledClient } from '../support/stalled-client.ts';
import { lookIntoStore } from '../support/store-file.ts';
import { bytesOf, create, has, TestTerminal } from '../support/terminal.ts';

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The very end of what was printed, without reading all of it; null where these words are not there. */
async function endOf(terminal: TestTerminal, words: string): Promise<string | null> {
  const { cursor } = await terminal.client.session(terminal.id);
  const last = (await terminal.printed(Math.max(0, cursor - 3))).toString();
  return last.includes(words) ? last : null;
}

describe.skipIf(!has('tmux') || !has('vim'))('a terminal (needs tmux and vim)', () => {
  const cleanups: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function server(env: Record<string, string> = {}, program?: string): Promise<Holdfast> {
    const holdfast = await Holdfast.start({ env: { SHELL: '/bin/sh', PS1: '$ ', ...env }, ...(program && { program }) });
    cleanups.push(() => holdfast.dispose());
    return holdfast;
  }

  it('[TT1] runs a shell that takes keys and outlives a kill -9 of the server, the same process with all it printed', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast);
    await terminal.type('A=kept; echo h""i\r');
    await terminal.prints('hi\r\n');
    const pid = await terminal.pid();
    await terminal.type('sleep 0.5; echo meanwhile-$((40+2))\r');
    await holdfast.kill();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await holdfast.start();
    await terminal.prints('meanwhile-42');
    await terminal.type('echo $A-$$\r');
    await terminal.prints(`kept-${pid}\r\n`);
    expect(await terminal.pid()).toBe(pid);
    const events = await terminal.events();
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ kind }) => kind)).toContain('session.recovered');
    expect(
      bytesOf(events)
        .toString()
        .match(/meanwhile-42/g),
    ).toHaveLength(1);
  });

  it('[TT2] what a program prints is logged byte for byte, also when it ends at once', async () => {
    const holdfast = await server();
    const file = join(holdfast.project, 'bytes');
    writeFileSync(file, Buffer.concat([Buffer.from([...Array(256).keys()]), randomBytes(300_000), Buffer.from('\\012 the last')]));
    const terminal = await TestTerminal.open(holdfast, { command: `stty raw -echo; exec cat bytes` });
    await eventually(async () => (await holdfast.client.status(terminal.id)).lastExit);
    expect(sha(await terminal.printed())).toBe(sha(readFileSync(file)));
  });

  it('[TT3] ends as finished with the exit code of its program, or as killed by its signal', async () => {
    const holdfast = await server();
    for (const [name, command, exit] of [
      ['zero', 'true', { exitCode: 0, signal: null }],
      ['seven', 'exit 7', { exitCode: 7, signal: null }],
      ['killed', 'kill -9 $$', { exitCode: null, signal: 'SIGKILL' }],
    ] as const) {
      const { body } = await create(holdfast, { name, command });
      const { lastExit } = await eventually(async () => {
        const status = await holdfast.client.status(body.sessionId);
        return status.lastExit ? status : null;
      });
      expect(lastExit).toMatchObject({ reason: 'finished', ...exit });
    }
  });

  it('[TT4] an exit while no server runs is recorded by the next one, with the last words', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast);
    await holdfast.client.status(terminal.id);
    await terminal.type('sleep 0.3; echo bye; exit 5\r');
    await terminal.prints('sleep 0.3');
    await holdfast.kill();
    await new Promise((resolve) => setTimeout(resolve, 800));
    await holdfast.start();
    const status = await eventually(async () => {
      const now = await holdfast.client.status(terminal.id);
      return now.lastExit ? now : null;
    });
    expect(status.lastExit).toMatchObject({ reason: 'finished', exitCode: 5 });
    expect((await terminal.printed()).toString()).toContain('\nbye\r\n');
  });

  it('[TT5] 1 MB of any bytes, pasted, arrives whole and once, over a kill -9 in the middle and sent again', async () => {
    const holdfast = await server();
    const command = 'stty raw -echo; printf ready; head -c 1048576 >got; printf done; exec cat >more';
    const terminal = await TestTerminal.open(holdfast, { command });
    await terminal.prints('ready');
    const bytes = randomBytes(1_048_576);
    const input = { id: randomUUID(), data: bytes.toString('base64') };
    const first = await terminal.type(input);
    expect(first).toMatchObject({ status: 200, body: { bytes: 1_048_576 } });
    await holdfast.kill();
    await holdfast.start();
    expect((await terminal.type(input)).body).toEqual(first.body);
    await terminal.prints('done');
    expect(sha(readFileSync(join(holdfast.project, 'got')))).toBe(sha(bytes));
    expect((await terminal.type({ ...input, data: 'AAAA' })).body).toMatchObject({ code: 'idempotency-conflict' });
    await terminal.type('!');
    await eventually(() => readFileSync(join(holdfast.project, 'more'), 'latin1') === '!');
  });

  it('[TT27] kills of the server at any moment lose and repeat no byte in either direction', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast, { command: 'stty raw -echo; printf ready; exec cat' });
    await terminal.prints('ready');
    const seed = seedOf('TERMINAL_SEED');
    const random = new Random(seed);
    // Without ESC: what asks a terminal something is answered by tmux, and the program here would print the answer.
    const bytes = (): Buffer => randomBytes(random.below(30_000)).map((byte) => (byte === 0x1b ? 0 : byte)) as Buffer;
    const inputs = Array.from({ length: 40 }, () => ({ id: randomUUID(), data: Buffer.from(bytes()).toString('base64') }));
    let typing = true;
    const killing = (async (): Promise<void> => {
      for (let kills = 0; kills < 5 && typing; kills++) {
        await new Promise((resolve) => setTimeout(resolve, 50 + random.below(250)));
        await holdfast.kill();
        await holdfast.start();
      }
    })();
    for (const input of inputs)
      await eventually(
        () =>
          terminal.type(input).then(
            ({ status }) => status === 200,
            () => false, // killed: sent again under its id
          ),
        60,
      );
    typing = false;
    await killing;
    const expected = Buffer.concat([Buffer.from('ready'), ...inputs.map(({ data }) => Buffer.from(data, 'base64'))]);
    const printed = await eventually(async () => {
      const so = await terminal.printed();
      return so.length >= expected.length ? so : null;
    }, 60);
    expect(sha(printed), `seed ${seed}`).toBe(sha(expected));
    const seqs = (await terminal.events()).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  it('[TT6] 50 MB of output do not grow the server, nor its database and journal: the newest are kept, an older cursor gets a gap', async () => {
    const holdfast = await server({}, measuredServer);
    const terminal = await TestTerminal.open(holdfast);
    const path = `/api/sessions/${terminal.id}/events?after=0`;
    const stalled = await StalledClient.ask(holdfast.url, path, { accept: 'text/event-stream' });
    cleanups.push(() => stalled.close());
    // What the server takes for any output is there before it is measured.
    await terminal.type('seq 1 1000000; echo w""arm\r');
    await eventually(() => endOf(terminal, 'warm\r\n'), 50);
    const before = await heldMb(holdfast);
    await terminal.type('seq 1 7000000 | tail -c 50000000; echo all-""of-it\r');
    let most = 0;
    const after = await eventually(async () => {
      most = Math.max(most, await heldMb(holdfast));
      return endOf(terminal, 'all-of-it\r\n');
    }, 100);
    expect(after).toContain('6999999\r\n7000000\r\n');
    expect(most - before).toBeLessThan(20);
    expect(statSync(join(holdfast.dataDir, 'holdfast.db')).size).toBeLessThan(32 * 1024 * 1024);
    const out = statSync(join(holdfast.incarnations()[0] ?? '', 'out'));
    expect(out.size).toBeGreaterThan(50_000_000);
    await eventually(() => statSync(join(holdfast.incarnations()[0] ?? '', 'out')).blocks * 512 < 33 * 1024 * 1024);
    const [gap, ...kept] = await terminal.events();
    expect(gap).toMatchObject({ channel: 'reader', kind: 'gap' });
    const bytes = bytesOf(kept);
    expect(bytes.length).toBeGreaterThan(4_000_000);
    expect(bytes.length).toBeLessThan(9_000_000);
    const lines = bytes.toString().split('\r\n').slice(1, -4).map(Number);
    expect(lines.every((line, index) => index === 0 || line === (lines[index - 1] ?? 0) + 1)).toBe(true);
  });

  it('[TT7] a stop ends all that was started in it, also what left its group and minds no hang-up', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast);
    await terminal.type(
      '(trap "" HUP TERM; exec sleep 1001) & setsid sleep 1002 & nohup sleep 1003 >/dev/null & sleep 1004 & echo all-$!\r',
    );
    await terminal.prints(/all-\d+\r\n/);
    const [folder = ''] = holdfast.incarnations();
    const agent = identify(Number(readFileSync(join(folder, 'agent'), 'utf8')));
    const mark = readMark(agent?.pid ?? 0) ?? '';
    const tree = members({ groupId: null, agent, mark });
    expect(tree.length).toBeGreaterThanOrEqual(9);
    await holdfast.client.call('POST', `/api/sessions/${terminal.id}/stop`);
    expect(tree.filter(isAlive)).toEqual([]);
    expect((await holdfast.client.status(terminal.id)).lastExit).toMatchObject({ reason: 'killed-by-user' });
    expect((await terminal.type('echo\r')).body).toMatchObject({ code: 'session-busy' });
  });

  it.each([
    ['a tmux', /^\S*tmux\0-D/],
    ['its client', /^\S*tmux\0.*\0-C/],
    ['the copier of its output', /^(perl|sh)\0.*\0\d+\0$/s],
  ])('[TT26] %s that is killed is a crash, nothing of it is left, and another start works', async (_what, which) => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast);
    await terminal.type('(trap "" HUP TERM; exec sleep 1005) & echo a""ll\r');
    await terminal.prints('all\r\n');
    const [folder = ''] = holdfast.incarnations();
    const agent = identify(Number(readFileSync(join(folder, 'agent'), 'utf8')));
    const tree = members({ groupId: null, agent, mark: readMark(agent?.pid ?? 0) ?? '' });
    const killed = tree.find(({ pid }) => which.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
    expect(killed).toBeDefined();
    process.kill(killed?.pid ?? 0, 'SIGKILL');
    const status = await eventually(async () => {
      const now = await holdfast.client.status(terminal.id);
      return now.lastExit ? now : null;
    });
    expect(status.lastExit).toMatchObject({ reason: 'crashed', signal: 'SIGHUP' });
    expect(tree.filter(isAlive)).toEqual([]);
    const { cursor } = await holdfast.client.session(terminal.id);
    expect((await create(holdfast)).status).toBe(200);
    await terminal.type('echo ag""ain\r');
    await terminal.prints('again\r\n', cursor);
  });

  it('[TT22] runs in a folder whatever that is called, and a command whatever it holds', async () => {
    const holdfast = await server();
    const projectPath = holdfast.folder(`a #(touch bad) #{pid} "'; $(touch bad);`);
    const command = `printf '%s\\n' "$PWD" 'a\tb;' "\\;"; [ -e bad ] || echo go""od;`;
    const terminal = await TestTerminal.open(holdfast, { projectPath, command });
    expect(await terminal.prints('good')).toBe(`${projectPath}\r\na\tb;\r\n\\;\r\ngood\r\n`);
  });

  it("[TT29] its programs know UTF-8 where the server has no locale, and have the server's own otherwise", async () => {
    const command = 'echo "lang:$LC_ALL:"; locale charmap; vim -u NONE -N utf8';
    const bare = await TestTerminal.open(await server(), { command });
    await bare.prints('lang::\r\nUTF-8\r\n');
    await bare.type('iÄ日本\x1b:set encoding?\r');
    const { text } = await bare.shows('encoding=utf-8');
    expect(text).toContain('Ä日本');
    const given = await TestTerminal.open(await server({ LC_ALL: 'POSIX' }), { command });
    await given.prints(/lang:POSIX:\r\n(?!UTF-8)/);
  });

  it('[TT30] what was typed leaves nothing in the store once it stands in the journal', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast);
    for (let key = 0; key < 20; key++) await terminal.type(' ');
    await terminal.type('echo ty""ped\r');
    await terminal.prints('typed\r\n');
    const left = () => lookIntoStore(holdfast, (db) => db.prepare<[], { rows: number }>('SELECT count(*) AS rows FROM in_lines').get());
    await eventually(() => left()?.rows === 0);
  });

  it('[TT8] a project has one terminal of each name, `default` without one, and another start goes on in its log', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast);
    expect(await holdfast.client.session(terminal.id)).toMatchObject({ name: 'default', terminal: { command: null, cols: 80, rows: 24 } });
    expect(await create(holdfast)).toMatchObject({ status: 200, body: { sessionId: terminal.id } });
    expect((await create(holdfast, { command: 'top' })).body.code).toBe('name-taken');
    const other = await create(holdfast, { name: 'build_2-x' });
    expect(other.status).toBe(201);
    expect((await create(holdfast, { projectPath: holdfast.folder('elsewhere') })).body.sessionId).not.toBe(terminal.id);
    for (const name of ['-x', 'a b', 'ü', '_']) expect((await create(holdfast, { name })).body.code).toBe('validation-failed');
    const rename = (name: string) => holdfast.client.call<{ code?: string }>('PATCH', `/api/sessions/${other.body.sessionId}`, { name });
    expect((await rename('default')).body.code).toBe('name-taken');
    expect((await rename('a b')).body.code).toBe('validation-failed');
    expect((await rename('renamed')).status).toBe(200);
    await terminal.type('exit\r');
    await eventually(async () => (await holdfast.client.status(terminal.id)).state === 'dormant');
    // Looking at it runs nothing again.
    expect((await holdfast.client.call<{ code?: string }>('GET', `/api/sessions/${terminal.id}/screen`)).body.code).toBe('session-busy');
    expect(await create(holdfast, { cols: 100, rows: 30 })).toMatchObject({ status: 200, body: { sessionId: terminal.id } });
    expect(await terminal.type('stty size\r')).toMatchObject({ status: 200 });
    await terminal.prints('30 100\r\n');
  });

  it('[TT9] without tmux GET /api/agents and a creation say so, and what to install', async () => {
    const holdfast = await server({ PATH: join(process.execPath, '..') });
    const { body } = await holdfast.client.call<{ agents: { agent: string }[] }>('GET', '/api/agents');
    expect(body.agents.find(({ agent }) => agent === 'terminal')).toMatchObject({
      installed: false,
      command: null,
      hint: expect.stringContaining('apt-get install tmux'),
    });
    const refused = await create(holdfast);
    expect(refused).toMatchObject({ status: 409, body: { code: 'agent-not-installed', detail: expect.stringContaining('tmux') } });
    expect((await holdfast.client.call<{ sessions: unknown[] }>('GET', '/api/sessions')).body.sessions).toEqual([]);
  });

  it('[TT10] takes no messages, and is not the conversation of its project', async () => {
    const holdfast = await server();
    const terminal = await TestTerminal.open(holdfast);
    const chat = (body: object) => holdfast.client.call<{ code?: string }>('POST', '/api/chat', { message: 'hi', ...body });
    expect((await chat({ sessionId: terminal.id })).body.code).toBe('not-supported');
    expect((await chat({ projectPath: holdfast.project, agent: 'terminal' })).body.code).toBe('not-supported');
    expect((await create(holdfast, { agent: 'echo', command: 'top' })).body.code).toBe('not-supported');
    const answer = await holdfast.client.ask({ message: 'hi', projectPath: holdfast.project });
    expect((await holdfast.client.status(answer.sessionId)).agent).toBe('echo');
    const input = await holdfast.client.call<{ code?: string }>('POST', `/api/sessions/${answer.sessionId}/input`, { text: 'x' });
    expect(input).toMatchObject({ status: 422, body: { code: 'not-supported' } });
  });

  it('[TT11] is not ended for the sake of others: with all slots in use, work waits', async () => {
    const holdfast = await server({ MAX_CONCURRENT_SESSIONS: '2', MAX_WAITING: '1' });
    const terminals = [await TestTerminal.open(holdfast, { name: 'a' }), await TestTerminal.open(holdfast, { name: 'b' })];
    const waits = await holdfast.client.send({ message: 'hi', projectPath: holdfast.project });
    expect(waits.status).toBe(202);
    expect(await create(holdfast, { name: 'c' })).toMatchObject({ status: 503, body: { code: 'pool-full' } });
    for (const terminal of terminals) {
      await terminal.type('echo a""live\r');
      await terminal.prints('alive\r\n');
    }
    await holdfast.client.call('POST', `/api/sessions/${terminals[0]?.id}/stop`);
    await eventually(async () => (await holdfast.client.messages(waits.body.sessionId)).length === 2);
    expect(existsSync(holdfast.dataDir)).toBe(true);
  });
});
