import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HealthView, ReadyView } from '../../server/contracts/server-views.ts';
import type { ActiveView } from '../../server/contracts/views.ts';
import { journalOf } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { figures, scrape, valueOf } from '../support/figures.ts';
import { Holdfast } from '../support/holdfast.ts';
import { active } from '../support/live-processes.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';
import { residentMb } from '../support/memory.ts';

describe('figures of conversations with the real Claude CLI', () => {
  let claude: ClaudeHoldfast;

  beforeAll(async () => {
    claude = await claudeHoldfast({ env: { MAX_CONCURRENT_SESSIONS: '2', CLAUDE_CODE_MAX_RETRIES: '0' } });
  });
  afterAll(() => claude.dispose());

  it('[FG1] counts turns by outcome and how long they took, starts, hibernations and exits by reason, in both forms the same', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const [one, two, three] = ['one', 'two', 'three'].map((name) => holdfast.folder(name));
    const { sessionId } = await client.ask({ message: 'remember the word kiwi', projectPath: one });
    await client.ask({ message: 'tokens=10 delay=50', projectPath: two });
    await client.ask({ message: 'hello', projectPath: three });
    // The first one had to go for the third, and is resumed now.
    expect(await client.ask({ message: 'what word', projectPath: one })).toMatchObject({ content: 'The word is kiwi.' });
    const long = (): { message: string; sessionId: string; messageId: string } => ({
      ...{ message: 'tokens=500 delay=20', sessionId },
      messageId: crypto.randomUUID(),
    });
    const given = long();
    await client.send(given);
    await eventually(async () => (await client.status(sessionId)).turn?.state === 'running');
    await client.call('POST', `/api/sessions/${sessionId}/cancel`);
    expect((await client.ask(given)).state).toBe('cancelled');
    expect((await client.ask({ message: 'status=401', sessionId })).state).toBe('failed');
    const killed = long();
    await client.send(killed);
    await eventually(async () => (await client.status(sessionId)).turn?.state === 'running');
    process.kill((await client.status(sessionId)).pid ?? 0, 'SIGKILL');
    expect((await client.ask(killed)).state).toBe('interrupted');
    expect((await client.ask({ message: 'what word', sessionId })).state).toBe('completed');

    const view = await figures(holdfast);
    expect(view.turns.ended).toEqual({ completed: 5, failed: 1, cancelled: 1, interrupted: 1 });
    expect(view.turns.firstToken.count).toBe(5);
    expect(view.turns.duration.averageMs).toBeGreaterThan(view.turns.firstToken.averageMs ?? Infinity);
    expect(view.turns.duration.p95Ms).toBeGreaterThan(400);
    expect(view.processes).toMatchObject({ starts: { fresh: 3, resumed: 2 }, restarts: 1, exits: { crashed: 1, 'killed-by-user': 0 } });
    expect(view.processes.hibernations).toBe(view.processes.exits.hibernated);
    expect(view.processes.hibernations).toBeGreaterThan(0);
    for (const [outcome, count] of Object.entries(view.turns.ended))
      expect(await valueOf(holdfast, 'holdfast_turns_total', { outcome })).toBe(count);
    for (const [reason, count] of Object.entries(view.processes.exits))
      expect(await valueOf(holdfast, 'holdfast_process_exits_total', { reason })).toBe(count);
    expect(await valueOf(holdfast, 'holdfast_turn_duration_seconds_count')).toBe(5);
    expect(await valueOf(holdfast, 'holdfast_process_restarts_total')).toBe(1);
    expect(await valueOf(holdfast, 'holdfast_hibernations_total')).toBe(view.processes.hibernations);
  });

  it('[FG2] measures sessions by state, slots, memory by agent and its own, when somebody asks', async () => {
    const { holdfast } = claude;
    const active = (await holdfast.client.call<ActiveView>('GET', '/api/sessions/active')).body;
    const { sessions, memory } = await figures(holdfast);
    expect(sessions).toMatchObject({ live: 2, max: 2, waiting: 0 });
    expect(sessions.byState).toMatchObject({ ready: 2, dormant: 1, failed: 0 });
    expect(memory.agentsMb['claude']).toBeGreaterThan(100);
    expect(Math.abs((memory.agentsMb['claude'] ?? 0) - active.memory.usedMb)).toBeLessThan(active.memory.usedMb * 0.2);
    expect(memory.agentsMb['echo']).toBe(0);
    expect(Math.abs(memory.serverMb - residentMb(holdfast.pid))).toBeLessThan(20);
    expect(await valueOf(holdfast, 'holdfast_sessions', { state: 'ready' })).toBe(2);
    expect(await valueOf(holdfast, 'holdfast_processes_live')).toBe(2);
  });
});

describe('figures', () => {
  let holdfast: Holdfast;

  beforeAll(async () => {
    holdfast = await Holdfast.start({ env: { MAX_CONCURRENT_SESSIONS: '2' } });
  });
  afterAll(() => holdfast.dispose());

  it('[FG3] are behind the token like everything else', async () => {
    for (const path of ['/metrics', '/api/metrics/sessions']) expect((await fetch(holdfast.url + path)).status).toBe(401);
  });

  it('[FG4] have no ids and no names in their labels, and no more series however many sessions there are', async () => {
    const before = (await scrape(holdfast)).samples.length;
    const ids: string[] = [];
    for (const name of ['secret-one', 'secret-two', 'secret-three', 'secret-four']) {
      const { sessionId, messageId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.folder(name), name });
      ids.push(sessionId, messageId);
    }
    const { text, samples } = await scrape(holdfast);
    expect(samples.length).toBe(before);
    for (const id of [...ids, 'secret', holdfast.root]) expect(text).not.toContain(id);
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
    expect([...labels].sort()).toEqual(['agent', 'channel', 'conversation', 'le', 'outcome', 'queue', 'reason', 'state']);
  });

  it('[FG5] are text that Prometheus reads: a help and a type for each, every other line a sample', async () => {
    const { text, samples } = await scrape(holdfast);
    const lines = text.split('\n').filter((line) => line !== '');
    expect(lines.filter((line) => !line.startsWith('#'))).toHaveLength(samples.length);
    const typed = new Set(lines.flatMap((line) => /^# TYPE (\S+) (?:counter|gauge|histogram)$/.exec(line)?.[1] ?? []));
    for (const { name } of samples) expect(typed).toContain(name.replace(/_(bucket|sum|count)$/, ''));
    expect(lines.filter((line) => line.startsWith('# HELP'))).toHaveLength(typed.size);
  });

  it('[FG6] tell who waits for a slot, which messages wait, and what an agent has printed that is not stored yet', async () => {
    const { client } = holdfast;
    const { sessionId } = (await client.send({ message: 'sleep=60000', projectPath: holdfast.folder('queue') })).body;
    for (const message of ['two', 'three']) await client.send({ message, sessionId });
    const asking = (await client.send({ message: 'approve: go on', projectPath: holdfast.folder('half') })).body;
    await eventually(async () => (await client.status(asking.sessionId)).state === 'waiting');
    const half = '{"type":"half of a line';
    appendFileSync(join(await journalOf(holdfast, asking.sessionId), 'out'), half);
    const blocked = (await client.send({ message: 'hello', projectPath: holdfast.folder('wants-a-slot') })).body;
    const seen = await eventually(async () => {
      const view = await figures(holdfast);
      return view.sessions.waiting === 1 && view.sessions.byState.working === 1 ? view : null;
    });
    expect(seen.queues.messages).toBe(3);
    expect(seen.tail).toEqual({ lagBytes: half.length, mostLagBytes: half.length });
    expect(await valueOf(holdfast, 'holdfast_queue_length', { queue: 'messages' })).toBe(3);
    expect(await valueOf(holdfast, 'holdfast_sessions_waiting')).toBe(1);
    expect(await valueOf(holdfast, 'holdfast_tail_lag_bytes')).toBe(half.length);
    for (const id of [blocked.sessionId, sessionId, asking.sessionId]) await client.call('POST', `/api/sessions/${id}/stop`);
    expect((await figures(holdfast)).queues.messages).toBe(0);
  });

  it('[FG7] count what a start finds: a process that was lost while no server was there', async () => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.folder('lost') });
    const { pid } = await client.status(sessionId);
    await holdfast.kill();
    process.kill(pid ?? 0, 'SIGKILL');
    await holdfast.start();
    const view = await figures(holdfast);
    expect(view.processes.exits.crashed + view.processes.exits.lost).toBe(1);
    expect(view.turns.ended.completed).toBe(0);
    expect(view.uptimeSeconds).toBeLessThan(10);
  });

  it('[FG13] /api/sessions/active says which figure sets the limit of live processes', async () => {
    const low = await Holdfast.start({ env: { MAX_TOTAL_MEMORY_GB: '0.2', HEALTH_CHECK_INTERVAL_SECONDS: '1' } });
    try {
      await low.client.ask({ message: 'hello', projectPath: low.project });
      const { pool } = await eventually(async () => {
        const view = await active(low);
        return view.pool.effectiveMax < view.pool.max ? view : null;
      });
      expect(pool.limitReason).toMatch(/^MAX_TOTAL_MEMORY_GB holds \d+ at \d+ MB each$/);
    } finally {
      await low.dispose();
    }
    expect((await active(holdfast)).pool).toMatchObject({ effectiveMax: 2, limitReason: 'MAX_CONCURRENT_SESSIONS' });
  });

  it('[FG10] /health has the pool, and /ready has a reason for each check', async () => {
    const health = (await holdfast.client.call<HealthView>('GET', '/health')).body;
    expect(health).toMatchObject({ status: 'ok', pool: { max: 2, effectiveMax: 2, waiting: 0 } });
    const ready = (await holdfast.client.call<ReadyView>('GET', '/ready')).body;
    expect(ready).toMatchObject({ ready: true });
    expect(ready.checks.map(({ name }) => name)).toEqual(['store', 'data-dir', 'disk', 'pool', 'inotify']);
    expect(ready.checks.find(({ name }) => name === 'pool')?.detail).toMatch(/^\d of 2 slots in use; 0 sessions wait$/);
  });
});
