import { afterEach, describe, expect, it } from 'vitest';
import { decideRequest } from '../../../server/sessions/approvals/decide.ts';
import { PoolOnClock } from '../../support/pool-on-clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('the health monitor, on a clock of its own', () => {
  let on: PoolOnClock;
  afterEach(() => on.dispose());

  it('[DY3] a day: warned once after 20 hours, put off by a message, expired after 24, and resumed with its memory', async () => {
    on = new PoolOnClock();
    const id = await on.ask('remember the word fig');
    const started = on.head(id);
    await on.pass(19 * HOUR);
    expect(on.lifecycle(id, started)).toEqual([]);
    const warnedAt = on.clock.now() + HOUR;
    await on.pass(4 * HOUR);
    expect(on.lifecycle(id, started)).toEqual(['session.expiring']);
    expect(on.events(id, started)).toMatchObject([{ data: { expiresAt: expect.any(String) as string } }]);
    const { expiresAt } = on.events(id, started)[0]?.data as { expiresAt: string };
    expect(Math.abs(Date.parse(expiresAt) - (warnedAt + 4 * HOUR))).toBeLessThan(MINUTE);
    // A message puts it off by a whole day, and the next warning is a new one.
    await on.ask('hello');
    const extended = on.head(id);
    await on.pass(19 * HOUR);
    expect(on.lifecycle(id, extended)).toEqual([]);
    await on.pass(4 * HOUR);
    expect(on.lifecycle(id, extended)).toEqual(['session.expiring']);
    await on.pass(HOUR);
    await on.until(() => on.lifecycle(id, extended).includes('session.exited'));
    expect(on.lifecycle(id, extended)).toEqual(['session.expiring', 'session.exited']);
    expect(on.events(id, extended).at(-1)).toMatchObject({ kind: 'session.exited', data: { reason: 'expired', exitCode: 0 } });
    expect(on.pool.live).toEqual([]);
    expect(await on.ask('what word')).toBe(id);
    expect(on.events(id).findLast(({ kind }) => kind === 'turn.completed')).toMatchObject({ data: { text: 'The word is fig.' } });
  });

  it('[DY4] a wall clock that jumps, on or back, expires nothing and warns of nothing', async () => {
    on = new PoolOnClock();
    const id = await on.ask('hello');
    const before = on.head(id);
    for (const days of [30, -60, 400]) {
      on.clock.setWall(on.clock.now() + days * 24 * HOUR);
      await on.pass(HOUR);
    }
    expect(on.head(id)).toBe(before);
    expect(on.session(id).state.kind).toBe('ready');
  });

  it('[DY5] a word of the agent puts the expiry off too, and the next warning is a new one', async () => {
    on = new PoolOnClock({ stallMs: 1_000 * HOUR });
    const { sessionId: id } = await on.send('approve: something');
    await on.until(() => on.session(id).state.kind === 'waiting');
    const asked = on.head(id);
    await on.pass(21 * HOUR);
    expect(on.lifecycle(id, asked)).toEqual(['session.expiring']);
    const [request] = on.context.store.requests.open(on.session(id).num);
    const decision = { kind: 'approval', id: request?.id ?? '', decision: 'allow', message: '', by: 'me' } as const;
    await on.session(id).run((cell) => decideRequest(cell, decision));
    await on.until(() => on.session(id).state.kind === 'ready');
    await on.pass(19 * HOUR);
    expect(on.lifecycle(id, asked)).toEqual(['session.expiring']);
    await on.pass(2 * HOUR);
    expect(on.lifecycle(id, asked)).toEqual(['session.expiring', 'session.expiring']);
  });

  it('[DY6] a turn that runs keeps its session alive, however long', async () => {
    on = new PoolOnClock({ stallMs: 1_000 * HOUR });
    const { sessionId: id } = await on.send('sleep=600000');
    await on.until(() => on.session(id).state.kind === 'working');
    await on.pass(48 * HOUR);
    expect(on.session(id).state.kind).toBe('working');
  });

  it('[LM6] silence counts from when the agent was told something, not from its last word', async () => {
    on = new PoolOnClock();
    const id = await on.ask('hello');
    await on.pass(5 * HOUR);
    const { messageId } = await on.send('sleep=600000');
    const agent = on.session(id).incarnation?.agent.pid ?? 0;
    // Stopped, so that not even the receipt is heard.
    process.kill(agent, 'SIGSTOP');
    await on.until(() => on.session(id).state.kind === 'working');
    await on.pass(9 * MINUTE, MINUTE);
    expect(on.lifecycle(id)).not.toContain('session.stalled');
    await on.pass(2 * MINUTE, MINUTE);
    await on.until(() => on.lifecycle(id).includes('session.exited'));
    expect(on.events(id).find(({ kind }) => kind === 'session.stalled')?.data).toMatchObject({
      evidence: { verdict: 'dead', cpuPercent: 0, openTools: 0, openRequests: 0, connections: 0 },
    });
    expect(on.events(id).find(({ kind }) => kind === 'session.exited')).toMatchObject({ data: { reason: 'stalled' } });
    expect(
      on
        .events(id)
        .filter(({ turnId }) => turnId === messageId)
        .at(-1),
    ).toMatchObject({
      kind: 'turn.interrupted',
      data: { reason: 'stalled' },
    });
    expect(await on.ask('hello again')).toBe(id);
  });

  it('[LM7] a turn that waits for its user is told of, each time the silence has lasted as long again, and left alone', async () => {
    on = new PoolOnClock();
    const { sessionId: id } = await on.send('approve: something');
    await on.until(() => on.session(id).state.kind === 'waiting');
    const asked = on.head(id);
    await on.pass(9 * MINUTE, MINUTE);
    expect(on.lifecycle(id, asked)).toEqual([]);
    await on.pass(2 * MINUTE, MINUTE);
    expect(on.lifecycle(id, asked)).toEqual(['session.stalled']);
    await on.pass(8 * MINUTE, MINUTE);
    expect(on.lifecycle(id, asked)).toEqual(['session.stalled']);
    await on.pass(2 * MINUTE, MINUTE);
    expect(on.events(id, asked).map(({ data }) => data)).toMatchObject(
      [1, 2].map(() => ({ evidence: { verdict: 'waiting-for-user', openRequests: 1 } })),
    );
    expect(on.session(id).state.kind).toBe('waiting');
  });

  it('[LM8] an agent that never gets ready does not hold its slot: it is ended, tried again, and given up with the reason', async () => {
    on = new PoolOnClock({}, { launch: () => ({ file: '/bin/sleep', args: ['600'], env: {} }) });
    const { sessionId: id, messageId } = await on.send('hello');
    for (let starts = 1; starts <= 3; starts += 1) {
      await on.until(() => on.lifecycle(id).filter((kind) => kind === 'session.starting').length === starts && on.session(id).incarnation);
      expect(on.session(id).state.kind).toBe('starting');
      await on.pass(11 * MINUTE, MINUTE);
      await on.until(() => on.lifecycle(id).filter((kind) => kind === 'session.exited').length === starts);
    }
    await on.until(() => on.lifecycle(id).includes('session.failed'));
    expect(on.pool.live).toEqual([]);
    expect(on.events(id).filter(({ kind }) => kind === 'session.exited')).toMatchObject(
      [1, 2, 3].map(() => ({ data: { reason: 'stalled' } })),
    );
    expect(on.events(id).find(({ turnId, kind }) => turnId === messageId && kind === 'turn.failed')).toMatchObject({
      data: { code: 'stalled' },
    });
  });

  it('[LM9] an agent that the catalogue gives limits of its own is judged by these, and named in the reason', async () => {
    on = new PoolOnClock({ limits: { memoryMb: 1, cpuPercent: 10_000 } }, {}, { limits: { memoryMb: 10_000 } });
    const roomy = await on.ask('hello');
    await on.pass(MINUTE, MINUTE);
    expect(on.session(roomy).state.kind).toBe('ready');
    await on.dispose();
    on = new PoolOnClock({}, {}, { limits: { memoryMb: 20 } });
    const { sessionId, messageId } = await on.send('sleep=600000');
    await on.until(() => on.session(sessionId).state.kind === 'working');
    await on.monitor.check();
    await on.until(() => on.lifecycle(sessionId).includes('session.exited'));
    expect(on.events(sessionId).find(({ kind }) => kind === 'resource.warning')?.data).toMatchObject({ what: 'memory', limit: 20 });
    expect(on.events(sessionId).find(({ kind, turnId }) => kind === 'turn.failed' && turnId === messageId)?.data).toMatchObject({
      code: 'memory-limit',
      detail: expect.stringMatching(/of 20 MB \(the limit of echo\)/) as string,
    });
  });
});
