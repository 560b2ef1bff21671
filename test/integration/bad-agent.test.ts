import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventOf, journalOf, pidIn } from '../support/agent-processes.ts';
import { Holdfast } from '../support/holdfast.ts';
import { peakMb, residentMb, resetPeak } from '../support/memory.ts';

/** A message that makes the echo agent print these bytes as they are. */
function raw(bytes: Buffer | string): string {
  return `raw: ${Buffer.from(bytes).toString('base64')}`;
}

describe('an agent that misbehaves', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    holdfast = await Holdfast.start();
  });
  afterAll(() => holdfast.dispose());

  /** The session still answers, in the same process or in a new one. */
  async function expectUsable(sessionId: string): Promise<void> {
    const { client } = holdfast;
    expect(await client.ask({ message: 'are you there', sessionId })).toMatchObject({
      state: 'completed',
      content: 'You said: are you there',
    });
    expect((await client.call('GET', '/health')).status).toBe(200);
  }

  it('[JN61] leaves out a line of 100 MB with a typed notice, in bounded memory, and goes on with the next line', async () => {
    const { client, pid } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: holdfast.folder('long') });
    const before = residentMb(pid);
    resetPeak(pid);
    const { messageId, state } = await client.ask({ message: 'line=104857600', sessionId });
    expect(state).toBe('completed');
    const events = (await client.events(sessionId)).filter((event) => event.turnId === messageId);
    const notices = events.filter((event) => event.kind === 'notice');
    expect(notices.map((event) => event.data.code)).toEqual(['line-too-long']);
    expect(events.filter((event) => event.kind === 'unknown')).toEqual([]);
    // At most 32 MiB of it are held, and copied as they grow; the whole line would be 300 MiB of buffers and text.
    expect(peakMb(pid) - before).toBeLessThan(150);
    await expectUsable(sessionId);
  });

  it('[JN62] shows bytes that are not UTF-8 as replacement characters, and says so', async () => {
    const { client } = holdfast;
    const { sessionId, messageId } = await client.ask({
      message: raw(Buffer.from('\xff\xfe broken \xc3\x28\n', 'latin1')),
      projectPath: holdfast.folder('bytes'),
    });
    const events = (await client.events(sessionId)).filter((event) => event.turnId === messageId);
    expect(events.filter((event) => event.kind === 'notice').map((event) => event.data.code)).toEqual(['not-utf8']);
    expect(events.filter((event) => event.kind === 'unknown').map((event) => event.data.line)).toEqual(['\ufffd\ufffd broken \ufffd(']);
    await expectUsable(sessionId);
  });

  it.each([
    ['an event type of a newer version', '{"type":"hologram","nested":{"deep":[1,2,{"x":null}]},"text":"kept"}'],
    ['no JSON at all', 'Segmentation fault (core dumped)'],
    ['JSON that is no object', '[1,2,3]'],
    ['an empty line', ''],
    ['separators that are no line ends', 'one\u2028two\u2029three\u0085four\vfive\rsix'],
  ])('[SE65] keeps a line that it does not understand whole: %s', async (_what, line) => {
    const { client } = holdfast;
    const { sessionId, messageId, state } = await client.ask({ message: raw(`${line}\n`), projectPath: holdfast.folder('unknown') });
    expect(state).toBe('completed');
    const unknown = (await client.events(sessionId)).filter((event) => event.kind === 'unknown' && event.turnId === messageId);
    expect(unknown.map((event) => event.data)).toEqual([{ line }]);
    await expectUsable(sessionId);
  });

  it('[JN63] keeps half a line that was left at the exit, and interrupts the turn behind it', async () => {
    const { client } = holdfast;
    const { sessionId, cursor, messageId } = (
      await client.send({ message: 'tokens=100000 delay=20', projectPath: holdfast.folder('half') })
    ).body;
    await eventOf(client, sessionId, 'text', cursor);
    const folder = await journalOf(holdfast, sessionId);
    const agent = pidIn(folder, 'agent');
    // Stopped first: it writes whole lines, and none may come between.
    process.kill(agent, 'SIGSTOP');
    appendFileSync(join(folder, 'out'), '{"type":"delta","text":"hal');
    process.kill(agent, 'SIGKILL');
    await eventOf(client, sessionId, 'session.exited', cursor);
    const events = (await client.events(sessionId, cursor)).filter((event) => event.kind !== 'text');
    expect(events.slice(-4).map((event) => event.kind)).toEqual(['unknown', 'message', 'turn.interrupted', 'session.exited']);
    expect(events.at(-4)).toMatchObject({ turnId: messageId, data: { line: '{"type":"delta","text":"hal' } });
    await expectUsable(sessionId);
  });

  it.each([
    ['exit=3', { exitCode: 3, signal: null }],
    ['exit=0', { exitCode: 0, signal: null }],
    ['crash', { exitCode: null, signal: 'SIGKILL' }],
  ])('[SE66] calls the exit of an agent in mid-answer a crash, whatever its code: %s', async (message, exit) => {
    const { client } = holdfast;
    const answer = await client.ask({ message, projectPath: holdfast.folder('exit') });
    expect(answer).toMatchObject({ state: 'interrupted', content: '', error: { code: 'interrupted' } });
    const { lastExit } = await client.status(answer.sessionId);
    expect(lastExit).toMatchObject({ reason: 'crashed', ...exit });
    await expectUsable(answer.sessionId);
  });

  it('[SE67] ends a turn that the agent itself gave up as failed, with the words of the agent', async () => {
    const answer = await holdfast.client.ask({ message: 'fail', projectPath: holdfast.folder('fail') });
    expect(answer).toMatchObject({ state: 'failed', error: { code: 'agent-error', detail: 'The message asked for a failure.' } });
    await expectUsable(answer.sessionId);
  });
});
