import { afterEach, describe, expect, it } from 'vitest';
import { PoolOnClock } from '../../support/pool-on-clock.ts';

const MINUTE = 60_000;

describe('the pool, on a clock of its own', () => {
  let on: PoolOnClock;
  afterEach(() => on.dispose());

  /** Opens a session, as attach, focus and a stream do. */
  function lookAt(id: string): void {
    const row = on.context.store.sessions.byId(id);
    if (!row) throw new Error('There is no such session.');
    on.pool.warm(row);
  }

  it('[PO35] a live session that its owner looks at goes later for the sake of another, and expires no later', async () => {
    on = new PoolOnClock({}, {}, { max: 2 });
    const [first, second] = [await on.ask('hello', 'first'), await on.ask('hello', 'second')];
    on.clock.advance(MINUTE);
    const { idleMs } = on.session(first).activity;
    lookAt(first);
    expect(on.session(first).activity.idleMs).toBe(idleMs);
    const third = await on.ask('hello', 'third');
    expect(on.pool.live.map(({ id }) => id).sort()).toEqual([first, third].sort());
    expect(on.lifecycle(second).at(-1)).toBe('session.exited');
    // Whoever is used afterwards is wanted more than what was only looked at.
    on.clock.advance(MINUTE);
    await on.ask('hello again', 'third');
    await on.ask('hello again', 'second');
    expect(on.pool.live.map(({ id }) => id).sort()).toEqual([second, third].sort());
  });

  it('[PO36] a session whose only message is cancelled while it waits gives up its place, and takes no process later', async () => {
    on = new PoolOnClock({}, {}, { max: 1 });
    const busy = await on.send('sleep=600000', 'busy');
    await on.until(() => on.session(busy.sessionId).state.kind === 'working');
    const waits = await on.send('hello', 'waits');
    const behind = await on.send('hello', 'behind');
    expect(on.pool.waiting).toBe(2);
    await on.session(waits.sessionId).cancel(waits.messageId);
    expect(on.pool.waiting).toBe(1);
    // Its end takes time, which only passes below.
    const stopped = on.session(busy.sessionId).stop('killed-by-user');
    await on.until(() => on.events(behind.sessionId).some(({ kind }) => kind === 'turn.completed'));
    await stopped;
    expect(on.events(waits.sessionId).map(({ kind }) => kind)).toEqual(['session.created', 'turn.accepted', 'turn.cancelled']);
    // It is no different from any other: the next message is answered.
    await on.ask('hello after all', 'waits');
  });

  it('[PO36] of two messages that wait one can be cancelled, and the other is answered', async () => {
    on = new PoolOnClock({}, {}, { max: 1 });
    const busy = await on.send('sleep=600000', 'busy');
    await on.until(() => on.session(busy.sessionId).state.kind === 'working');
    const waits = await on.send('never mind', 'waits');
    const stays = await on.send('hello', 'waits');
    await on.session(waits.sessionId).cancel(waits.messageId);
    expect(on.pool.waiting).toBe(1);
    await on.session(busy.sessionId).cancel();
    await on.until(() => on.events(stays.sessionId).some(({ kind, turnId }) => kind === 'turn.completed' && turnId === stays.messageId));
  });

  it('[PO36] a session whose only message is cancelled before its next try is not tried again', async () => {
    on = new PoolOnClock({}, { launch: () => ({ file: '/bin/false', args: [], env: {} }) });
    const { sessionId, messageId } = await on.send('hello');
    await on.until(() => on.lifecycle(sessionId).includes('session.exited'));
    const session = on.session(sessionId);
    await session.cancel(messageId);
    const tries = on.lifecycle(sessionId).length;
    await on.pass(10 * MINUTE, MINUTE);
    expect(on.lifecycle(sessionId)).toHaveLength(tries);
    expect(on.pool.loaded(sessionId)).toBeUndefined();
  });
});
