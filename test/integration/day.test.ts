import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventOf, runs } from '../support/agent-processes.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

/** A day of six seconds, with its warning after two. */
// At five checks a second the CLI's start would pass for a lasting use of the CPU.
const OFTEN = { HEALTH_CHECK_INTERVAL_SECONDS: '0.2', CPU_USAGE_LIMIT_PERCENT: '100000' };
const DAY = { SESSION_TIMEOUT_HOURS: '0.0016667', SESSION_WARNING_HOURS: '0.0005556', ...OFTEN };

describe('a day of a Claude process, in seconds', () => {
  let claude: ClaudeHoldfast;
  beforeAll(async () => {
    claude = await claudeHoldfast({ env: DAY });
  });
  afterAll(() => claude.dispose());

  /** What happened to the session after a seq, as far as its day is concerned. */
  async function dayOf(sessionId: string, after: number): Promise<string[]> {
    const events = await claude.holdfast.client.events(sessionId, after);
    return events.flatMap(({ kind }) => (/^session\.(expiring|extended|exited)$/.test(kind) ? [kind] : []));
  }

  it('[DY7] warned once, put off by a message and by keep-alive, expired with the reason, and resumed with its memory', async () => {
    const { holdfast } = claude;
    const { client } = holdfast;
    const { sessionId, cursor } = await client.ask({ message: 'remember the word fig', projectPath: holdfast.project });
    const { pid = 0, expiresAt = '' } = await client.status(sessionId);
    const first = await eventOf(client, sessionId, 'session.expiring', cursor);
    const told = Date.parse((first.data as { expiresAt: string }).expiresAt);
    expect(Math.abs(told - Date.parse(expiresAt))).toBeLessThan(1_000);
    // A message puts it off, and the warning comes again, later.
    const { cursor: asked } = await client.ask({ message: 'hello', sessionId });
    const second = await eventOf(client, sessionId, 'session.expiring', asked);
    expect(Date.parse((second.data as { expiresAt: string }).expiresAt)).toBeGreaterThan(told);
    // So does keep-alive, without a word to the agent.
    expect((await client.call('POST', '/api/sessions/keep-alive', { sessionId })).status).toBe(200);
    const extended = await eventOf(client, sessionId, 'session.extended', second.seq);
    await eventOf(client, sessionId, 'session.expiring', extended.seq);
    expect(await client.status(sessionId)).toMatchObject({ pid, state: 'ready' });
    // Now nobody cares any more.
    const exited = await eventOf(client, sessionId, 'session.exited', extended.seq);
    expect(exited.data).toMatchObject({ reason: 'expired', exitCode: 0, signal: null });
    expect(Date.parse(exited.at) - Date.parse(extended.at)).toBeGreaterThanOrEqual(6_000);
    expect(await dayOf(sessionId, extended.seq)).toEqual(['session.expiring', 'session.exited']);
    expect(runs(pid)).toBe(false);
    expect(await client.status(sessionId)).toMatchObject({ state: 'dormant', lastExit: { reason: 'expired' } });
    expect((await client.ask({ message: 'what word', sessionId })).content).toBe('The word is fig.');
  });

  it('[DY8] the day goes on over a restart of the server, which neither forgets the warning nor repeats it', async () => {
    const { holdfast } = claude;
    const { sessionId, cursor } = await holdfast.client.ask({ message: 'remember the word plum', projectPath: holdfast.folder('restart') });
    const warned = await eventOf(holdfast.client, sessionId, 'session.expiring', cursor);
    await holdfast.kill();
    await holdfast.start();
    const exited = await eventOf(holdfast.client, sessionId, 'session.exited', warned.seq);
    expect(exited.data).toMatchObject({ reason: 'expired' });
    expect(await dayOf(sessionId, cursor)).toEqual(['session.expiring', 'session.exited']);
    const day = Date.parse(exited.at) - Date.parse(warned.at);
    expect(day).toBeGreaterThanOrEqual(3_500);
    expect((await holdfast.client.ask({ message: 'what word', sessionId })).content).toBe('The word is plum.');
  });
});
