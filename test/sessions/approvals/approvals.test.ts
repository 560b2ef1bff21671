import { appendFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Driver, Output } from '../../../server/agents/driver.ts';
import { drivers } from '../../../server/agents/catalogue.ts';
import { askedOne, askedPage, inboxPage } from '../../../server/sessions/approvals/asked-view.ts';
import { decideRequest, type RequestDecision } from '../../../server/sessions/approvals/decide.ts';
import { RequestExpiry } from '../../../server/sessions/approvals/expiry.ts';
import { PoolOnClock } from '../../support/pool-on-clock.ts';

const HOUR = 3_600_000;
let pool: PoolOnClock | undefined;
let expiry: RequestExpiry | undefined;

afterEach(async () => {
  expiry?.stop();
  await pool?.dispose();
});

/** A pool whose approvals expire after an hour, with the watch that does that. */
async function watched(change: Partial<Driver> = {}): Promise<PoolOnClock> {
  pool = new PoolOnClock({}, change);
  pool.context.limits.approvalTimeoutMs = HOUR;
  expiry = new RequestExpiry(pool.context, pool.pool);
  await expiry.start();
  return pool;
}

/** Sends a message that makes the agent ask, and waits for its request. */
async function asking(clocked: PoolOnClock, message = 'approve: the plan', project?: string): Promise<{ sessionId: string; id: string }> {
  const { sessionId } = await clocked.send(message, project);
  const event = await clocked.until(() => clocked.events(sessionId).find(({ kind }) => /^(approval.requested|question.asked)$/.test(kind)));
  await clocked.session(sessionId).settled();
  const data = event.data as { approvalId?: string; questionId?: string };
  return { sessionId, id: data.approvalId ?? data.questionId ?? '' };
}

const rowOf = (clocked: PoolOnClock, sessionId: string) => clocked.context.store.sessions.byId(sessionId) ?? { num: 0 };
const of = (clocked: PoolOnClock, sessionId: string, id: string) => askedOne(clocked.context.store, rowOf(clocked, sessionId), id);
const audit = (clocked: PoolOnClock, sessionId: string) => clocked.context.store.audit.ofSession(rowOf(clocked, sessionId).num);
const decide = (clocked: PoolOnClock, sessionId: string, id: string, more: Partial<RequestDecision> = {}) =>
  clocked
    .session(sessionId)
    .run((cell) => decideRequest(cell, { kind: 'approval', decision: 'allow', id, by: 'me', ...more } as RequestDecision));
const ended = (clocked: PoolOnClock, sessionId: string) =>
  clocked.until(() => clocked.events(sessionId).find(({ kind }) => /^turn\.(completed|cancelled|interrupted|failed)$/.test(kind)));

describe('expiry', () => {
  it('[AP8] denies what nobody decided in time, tells the agent so, and goes on', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    expect(of(clocked, sessionId, id)).toMatchObject({ expiresAt: expect.any(String) as string });
    clocked.clock.advance(HOUR - 60_000);
    await clocked.session(sessionId).settled();
    expect(of(clocked, sessionId, id)).not.toHaveProperty('outcome');
    clocked.clock.advance(60_000);
    expect((await ended(clocked, sessionId)).data).toMatchObject({
      text: expect.stringContaining('Denied: the plan (Nobody decided') as string,
    });
    expect(of(clocked, sessionId, id)).toMatchObject({ outcome: { decision: 'expired', by: 'holdfast', reason: 'timed-out' } });
    expect(clocked.events(sessionId).find(({ kind }) => kind === 'approval.resolved')?.data).toEqual({
      ...{ approvalId: id, decision: 'expired', by: 'holdfast', reason: 'timed-out' },
    });
    expect(expiry?.watched).toBe(0);
    await expect(decide(clocked, sessionId, id)).rejects.toMatchObject({
      code: 'already-decided',
      extras: { members: { decision: 'expired' } },
    });
  });

  it('[AP8] denies a question the same way', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked, 'ask: Which?|This|That');
    clocked.clock.advance(HOUR);
    await ended(clocked, sessionId);
    expect(of(clocked, sessionId, id)).toMatchObject({ kind: 'question', outcome: { decision: 'expired', reason: 'timed-out' } });
    expect(clocked.events(sessionId).find(({ kind }) => kind === 'question.answered')?.data).toMatchObject({ decision: 'expired' });
  });

  it('[AP9] a wall clock that jumps expires nothing; one that is decided is no longer watched', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    clocked.clock.setWall(clocked.clock.now() + 48 * HOUR);
    clocked.clock.advance(1_000);
    await clocked.session(sessionId).settled();
    expect(of(clocked, sessionId, id)).not.toHaveProperty('outcome');
    expect(expiry?.watched).toBe(1);
    await decide(clocked, sessionId, id);
    expect(expiry?.watched).toBe(0);
    clocked.clock.advance(2 * HOUR);
    await ended(clocked, sessionId);
    expect(audit(clocked, sessionId)).toHaveLength(1);
  });

  it('[AP9] without a limit it waits, and the watch has nothing to do', async () => {
    const clocked = await watched();
    clocked.context.limits.approvalTimeoutMs = 0;
    const { sessionId, id } = await asking(clocked);
    expect(of(clocked, sessionId, id)).toMatchObject({ expiresAt: null });
    expect(expiry?.watched).toBe(0);
  });

  it('[AP9] a watch that begins later denies at once what expired before, and watches the rest', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    expiry?.stop();
    clocked.clock.advance(30 * 60_000);
    expiry = new RequestExpiry(clocked.context, clocked.pool);
    await expiry.start();
    expect(expiry.watched).toBe(1);
    expiry.stop();
    clocked.clock.advance(HOUR);
    expect(of(clocked, sessionId, id)).not.toHaveProperty('outcome');
    expiry = new RequestExpiry(clocked.context, clocked.pool);
    await expiry.start();
    expect(of(clocked, sessionId, id)).toMatchObject({ outcome: { decision: 'expired' } });
  });
});

describe('a decision', () => {
  it('[AP6] is answered with the time that everybody else is told, however long its commit takes', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    const leave = clocked.context.log.subscribe(sessionId, () => clocked.clock.setWall(clocked.clock.now() + 5));
    const first = await decide(clocked, sessionId, id, { device: 'phone' });
    leave();
    expect(of(clocked, sessionId, id)).toMatchObject({ outcome: { at: first.at } });
    expect(await decide(clocked, sessionId, id, { device: 'phone' })).toEqual(first);
    await expect(decide(clocked, sessionId, id, { device: 'pad' })).rejects.toMatchObject({ extras: { members: first } });
  });

  it('[AP4] about another input than the agent asked is refused, and nothing is decided', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    const { inputHash } = of(clocked, sessionId, id);
    await expect(decide(clocked, sessionId, id, { inputHash: 'a'.repeat(64) })).rejects.toMatchObject({
      code: 'input-changed',
      extras: { members: { inputHash } },
    });
    expect(audit(clocked, sessionId)).toEqual([]);
    expect(clocked.session(sessionId).state.kind).toBe('waiting');
    expect(await decide(clocked, sessionId, id, { inputHash })).toMatchObject({ decision: 'allow', by: 'me' });
  });

  it('[AP6] is the first one; the same again from the same device is answered with it, any other is told of it', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    const first = await decide(clocked, sessionId, id, { decision: 'deny', message: 'no', device: 'phone' } as never);
    clocked.clock.advance(5_000);
    const again = (more: object) => decide(clocked, sessionId, id, { decision: 'deny', message: 'no', device: 'phone', ...more } as never);
    expect(await again({})).toEqual(first);
    for (const other of [{ device: 'pad' }, { device: undefined }, { decision: 'allow' }, { message: 'yes' }, { by: 'another' }])
      await expect(again(other)).rejects.toMatchObject({ code: 'already-decided', extras: { members: first } });
    await ended(clocked, sessionId);
    expect(audit(clocked, sessionId)).toHaveLength(1);
  });

  it('[AP3] is one that the agent offers', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    await expect(decide(clocked, sessionId, id, { decision: 'allow-always' } as never)).rejects.toMatchObject({
      code: 'validation-failed',
      extras: { fields: [{ field: 'decision' }] },
    });
    expect(audit(clocked, sessionId)).toEqual([]);
  });

  it('[AP13] answers questions that were asked, each with as many texts as it takes', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked, 'ask: Which?|This|That');
    const answer = (answers: Record<string, string | string[]>) => decide(clocked, sessionId, id, { kind: 'question', answers } as never);
    await expect(answer({})).rejects.toMatchObject({ extras: { fields: [{ field: 'answers' }] } });
    await expect(answer({ Else: 'x' })).rejects.toMatchObject({ extras: { fields: [{ field: 'answers.Else' }] } });
    await expect(answer({ 'Which?': ['This'] })).rejects.toMatchObject({ extras: { fields: [{ field: 'answers.Which?' }] } });
    await answer({ 'Which?': 'something of my own' });
    expect((await ended(clocked, sessionId)).data).toMatchObject({ text: 'You chose: something of my own' });
    expect(of(clocked, sessionId, id)).toMatchObject({ outcome: { decision: 'answered', answers: { 'Which?': 'something of my own' } } });
  });
});

describe('a withdrawal', () => {
  it('[AP10] comes with a cancel, at once: a moment later nobody can allow it', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    await clocked.session(sessionId).cancel();
    expect(of(clocked, sessionId, id)).toMatchObject({ outcome: { decision: 'withdrawn', reason: 'cancelled' } });
    await expect(decide(clocked, sessionId, id)).rejects.toMatchObject({ code: 'already-decided' });
    expect((await ended(clocked, sessionId)).kind).toBe('turn.cancelled');
    expect(audit(clocked, sessionId)).toHaveLength(1);
  });

  it('[AP10] comes with a stop, and with the death of the agent', async () => {
    const clocked = await watched();
    for (const [how, reason] of [
      ['stop', 'stopped'],
      ['kill', 'process-ended'],
    ] as const) {
      const { sessionId, id } = await asking(clocked, 'ask: Which?|This');
      if (how === 'stop') void clocked.session(sessionId).stop('killed-by-user');
      else process.kill(clocked.session(sessionId).incarnation?.agent.pid ?? 0, 'SIGKILL');
      await clocked.until(() => clocked.lifecycle(sessionId).includes('session.exited'));
      expect(of(clocked, sessionId, id)).toMatchObject({ outcome: { decision: 'withdrawn', reason } });
      expect(clocked.events(sessionId).filter(({ kind }) => kind === 'question.answered')).toHaveLength(1);
      clocked.context.store.sessions.update(rowOf(clocked, sessionId).num, { state: 'archived' });
    }
    expect(expiry?.watched).toBe(0);
  });
});

describe('an agent that uses a request id again', () => {
  const echo = drivers.get('echo');
  const asks = (approvalId: string, command: string): Output => ({
    kind: 'approval.requested',
    data: { approvalId, tool: 'Bash', title: command, input: { command }, options: [], expiresAt: null },
  });
  /** The echo agent, whose driver takes a line `ask COMMAND` for an approval under one and the same id. */
  const repeating: Partial<Driver> = {
    decode: (line, state) => {
      const command = /^ask (.+)$/.exec(line)?.[1];
      return command === undefined ? (echo as Driver).decode(line, state) : { outputs: [asks('same', command)], replies: [], state };
    },
    encode: (command, state) =>
      command.kind === 'approve' || command.kind === 'deny' ? { lines: [], state } : (echo as Driver).encode(command, state),
  };
  const raw = (...lines: string[]): string =>
    `raw: ${Buffer.from(lines.map((line) => `${line}\n`).join('')).toString('base64')}\ntokens=1000 delay=50`;
  const open = (clocked: PoolOnClock, sessionId: string) =>
    askedPage(clocked.context.store, rowOf(clocked, sessionId), { state: 'open', limit: 10 }).asked;

  it('[AP5] with another input asks anew: what was asked before can be decided no more', async () => {
    const clocked = await watched(repeating);
    const { sessionId } = await clocked.send(raw('ask ls', 'ask rm -rf /'));
    await clocked.until(() => clocked.events(sessionId).filter(({ kind }) => kind === 'approval.requested').length === 2);
    await clocked.session(sessionId).settled();
    const [first, second] = clocked.events(sessionId).filter(({ kind }) => kind === 'approval.requested');
    const ids = [first, second].map((event) => (event?.data as { approvalId: string }).approvalId);
    expect(ids[0]).not.toBe(ids[1]);
    expect(of(clocked, sessionId, ids[0] ?? '')).toMatchObject({ outcome: { decision: 'withdrawn', reason: 'asked-again' } });
    expect(open(clocked, sessionId)).toMatchObject([{ approvalId: ids[1], risk: 'destructive', input: { command: 'rm -rf /' } }]);
    await expect(decide(clocked, sessionId, ids[0] ?? '')).rejects.toMatchObject({ code: 'already-decided' });
    expect(clocked.session(sessionId).state.kind).toBe('waiting');
  });

  it('[AP5] with the same input has asked once; after a decision it asks anew', async () => {
    const clocked = await watched(repeating);
    const { sessionId } = await clocked.send(raw('ask ls', 'ask ls'));
    await clocked.until(() => open(clocked, sessionId).length > 0);
    await clocked.session(sessionId).settled();
    expect(clocked.events(sessionId).filter(({ kind }) => kind === 'approval.requested')).toHaveLength(1);
    const [asked] = open(clocked, sessionId);
    await decide(clocked, sessionId, asked?.kind === 'approval' ? asked.approvalId : '');
    const incarnation = clocked.session(sessionId).incarnation;
    appendFileSync(`${incarnation?.folder}/out`, 'ask ls\n');
    await clocked.until(() => open(clocked, sessionId).length > 0);
    expect(open(clocked, sessionId)[0]).not.toMatchObject({ approvalId: asked?.kind === 'approval' ? asked.approvalId : '' });
    expect(clocked.session(sessionId).state.kind).toBe('waiting');
  });
});

describe('the list', () => {
  it('[AP14] pages through what was asked, newest first, by state and kind', async () => {
    const clocked = await watched();
    const ids: string[] = [];
    let sessionId = '';
    for (const message of ['approve: one', 'ask: Two?|x', 'approve: three']) {
      const before = clocked.head(sessionId);
      ({ sessionId } = await clocked.send(message));
      const event = await clocked.until(() =>
        clocked.events(sessionId, before).find(({ kind }) => /^(approval.requested|question.asked)$/.test(kind)),
      );
      const data = event.data as { approvalId?: string; questionId?: string };
      ids.push(data.approvalId ?? data.questionId ?? '');
      await clocked.session(sessionId).settled();
      if (ids.length === 1) await decide(clocked, sessionId, ids[0] ?? '');
      if (ids.length === 2) await decide(clocked, sessionId, ids[1] ?? '', { kind: 'question', answers: { 'Two?': 'x' } } as never);
      if (ids.length < 3) await clocked.until(() => clocked.session(sessionId).state.kind === 'ready');
    }
    const page = (query: object) => askedPage(clocked.context.store, rowOf(clocked, sessionId), { state: 'all', limit: 10, ...query });
    const idsOf = (query: object): string[] =>
      page(query).asked.map((asked) => (asked.kind === 'approval' ? asked.approvalId : asked.questionId));
    expect(idsOf({})).toEqual([...ids].reverse());
    expect(idsOf({ state: 'open' })).toEqual([ids[2]]);
    expect(idsOf({ state: 'decided' })).toEqual([ids[1], ids[0]]);
    expect(idsOf({ kind: 'question' })).toEqual([ids[1]]);
    const seen: string[] = [];
    for (let before: string | undefined; ;) {
      const { asked, nextBefore, hasMore } = page({ limit: 1, ...(before === undefined ? {} : { before }) });
      seen.push(...asked.map((one) => (one.kind === 'approval' ? one.approvalId : one.questionId)));
      if (!hasMore) break;
      before = nextBefore;
    }
    expect(seen).toEqual([...ids].reverse());
    expect(() => page({ before: 'yesterday' })).toThrow(expect.objectContaining({ code: 'bad-cursor' }) as Error);
  });
});

describe('the inbox', () => {
  it('[AP17] has what waits in all sessions of an owner, newest first, page by page, and nothing of another owner', async () => {
    const clocked = await watched();
    const first = await asking(clocked, 'approve: one');
    clocked.clock.advance(1_000);
    const second = await asking(clocked, 'ask: Two?|x|y', 'another');
    const { store } = clocked.context;
    const inbox = (query: object = {}, owner = 'me') => inboxPage(store, owner, { state: 'open', limit: 10, ...query });
    const seen = (query?: object) =>
      inbox(query).asked.map((asked) => [asked.sessionId, asked.kind === 'approval' ? asked.approvalId : asked.questionId]);
    const [one, two] = [
      [first.sessionId, first.id],
      [second.sessionId, second.id],
    ];
    expect(seen()).toEqual([two, one]);
    expect(seen({ kind: 'approval' })).toEqual([one]);
    const { asked, nextBefore, hasMore } = inbox({ limit: 1 });
    expect([asked.length, hasMore]).toEqual([1, true]);
    expect(seen({ limit: 1, before: nextBefore })).toEqual([one]);
    expect(inbox({}, 'somebody-else')).toEqual({ asked: [], hasMore: false });
    await decide(clocked, first.sessionId, first.id);
    expect(seen()).toEqual([two]);
    expect(seen({ state: 'decided' })).toEqual([one]);
    expect(seen({ state: 'all' })).toEqual([two, one]);
  });
});

describe('the audit', () => {
  it('[AP15] has one row for everything that was settled, and goes with its session only', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    const { inputHash } = of(clocked, sessionId, id);
    await decide(clocked, sessionId, id, { decision: 'deny', message: 'not today', device: 'phone' } as never);
    await ended(clocked, sessionId);
    expect(audit(clocked, sessionId)).toEqual([
      {
        ...{ at: expect.any(Number) as number, session_num: rowOf(clocked, sessionId).num, request_id: id, kind: 'approval', tool: 'echo' },
        ...{ input_hash: inputHash, risk: 'elevated', decision: 'deny', decided_by: 'me', device: 'phone', reason: null },
        said: '{"message":"not today"}',
      },
    ]);
    const { store } = clocked.context;
    expect(() =>
      store.db
        .prepare(
          'INSERT INTO approvals_audit SELECT NULL, at, session_num, request_id, kind, tool, input_hash, risk, decision, decided_by, device, reason, said FROM approvals_audit',
        )
        .run(),
    ).toThrow(/UNIQUE/);
    void clocked.session(sessionId).stop('killed-by-user');
    await clocked.until(() => clocked.lifecycle(sessionId).includes('session.exited'));
    const { num } = rowOf(clocked, sessionId);
    store.sessions.remove(num);
    expect(store.audit.ofSession(num)).toEqual([]);
  });

  it('[AP15] and the decision are written together or not at all', async () => {
    const clocked = await watched();
    const { sessionId, id } = await asking(clocked);
    const { store } = clocked.context;
    store.db.exec(`CREATE TEMP TRIGGER refuse BEFORE INSERT ON approvals_audit BEGIN SELECT RAISE(ABORT, 'no'); END`);
    await expect(decide(clocked, sessionId, id)).rejects.toThrow('no');
    expect(of(clocked, sessionId, id)).not.toHaveProperty('outcome');
    expect(clocked.events(sessionId).some(({ kind }) => kind === 'approval.resolved')).toBe(false);
    store.db.exec('DROP TRIGGER refuse');
    await decide(clocked, sessionId, id);
    await ended(clocked, sessionId);
  });
});
