import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeepAliveView, Recap } from '../../server/contracts/recap.ts';
import { markedProcesses } from '../../server/process/members.ts';
import { eventOf } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { ladderOf, wholeLadder } from '../support/kill-checks.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

const PROMPT = 'Write a recap of this conversation';
const DAY = 24 * 3_600_000;

describe('keep-alive and recaps with the real Claude CLI', () => {
  let claude: ClaudeHoldfast;

  beforeAll(async () => {
    claude = await claudeHoldfast();
  });
  afterAll(() => claude.dispose());

  const call = (body: Record<string, unknown>) =>
    claude.holdfast.client.call<KeepAliveView & { code?: string }>('POST', '/api/sessions/keep-alive', body);

  async function recapOf(sessionId: string, more: Record<string, unknown> = {}): Promise<Recap> {
    const { status, body } = await call({ sessionId, action: 'recap', ...more });
    expect(status, JSON.stringify(body)).toBe(200);
    return body.recap as Recap;
  }

  /** How often the model was asked to write a recap. */
  const written = (): number => claude.model.requests.filter(({ lastUserText }) => lastUserText.startsWith(PROMPT)).length;

  /** Names and contents of the CLI's own files of conversations. */
  function conversations(): Map<string, string> {
    const folder = join(claude.home, '.claude', 'projects');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
    return new Map(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  }

  it('[KA1] puts off the expiry of a live and of a dormant session, says so in an event, and wakes nothing', async () => {
    const { client } = claude.holdfast;
    const { sessionId } = await client.ask({ message: 'hello', projectPath: claude.holdfast.folder('extended') });
    for (const state of ['ready', 'dormant']) {
      if (state === 'dormant') await client.call('POST', `/api/sessions/${sessionId}/stop`);
      const before = await client.session(sessionId);
      // Long enough for the difference to show.
      await sleep(300);
      const from = Date.now();
      const { status, body } = await call({ sessionId });
      expect(status).toBe(200);
      expect(body).toEqual({ success: true, sessionId, expiresAt: expect.any(String) as string });
      expect(Date.parse(body.expiresAt) - from - DAY).toBeGreaterThanOrEqual(0);
      expect(Date.parse(body.expiresAt) - from - DAY).toBeLessThan(5_000);
      const after = await client.session(sessionId);
      expect(after.state).toBe(state);
      expect(Date.parse(after.lastActivityAt)).toBeGreaterThan(Date.parse(before.lastActivityAt));
      // The process's own time is monotonic, the other is the wall's.
      if (state === 'ready') expect(Math.abs(Date.parse(after.expiresAt ?? '') - Date.parse(body.expiresAt))).toBeLessThan(100);
      const event = (await client.events(sessionId, before.cursor)).find(({ kind }) => kind === 'session.extended');
      expect(event).toMatchObject({ channel: 'session', data: { expiresAt: body.expiresAt } });
    }
  });

  it('[KA2] refuses what it cannot keep alive, and names what is wrong', async () => {
    expect(await call({ sessionId: randomUUID() })).toMatchObject({ status: 404, body: { code: 'session-not-found' } });
    const sessionId = randomUUID();
    const wrong = [
      [{}, 'sessionId'],
      [{ sessionId: 'no id' }, 'sessionId'],
      [{ sessionId, action: 'sing' }, 'action'],
      [{ sessionId, style: 'verse' }, 'style'],
      [{ sessionId, after: -1 }, 'after'],
    ] as const;
    for (const [sent, field] of wrong) {
      expect(await call(sent)).toMatchObject({ status: 400, body: { code: 'validation-failed', errors: [{ field }] } });
    }
    const { client } = claude.holdfast;
    const { body } = await client.call<{ sessionId: string }>('POST', '/api/sessions', { projectPath: claude.holdfast.folder('archived') });
    expect((await client.call('POST', `/api/sessions/${body.sessionId}/archive`)).status).toBe(200);
    expect(await call({ sessionId: body.sessionId })).toMatchObject({ status: 409, body: { code: 'session-archived' } });
    // null is what phones send for what they don't have.
    expect((await call({ sessionId, action: null, style: null, after: null })).status).toBe(404);
  });

  it('[KA3] recaps in the middle of a turn without waiting for it or changing it', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('running');
    const first = await client.ask({ message: 'remember the word kiwi', projectPath });
    const { body: sent } = await client.send({ message: 'run: sleep 6', projectPath, mode: 'auto' });
    await eventOf(client, sent.sessionId, 'tool.started', first.cursor);
    const { pid } = await client.status(sent.sessionId);
    const began = performance.now();
    const recap = await recapOf(sent.sessionId);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(recap).toMatchObject({
      from: 0,
      style: 'facts',
      facts: {
        counts: { asked: 2, answered: 1 },
        done: [{ asked: 'remember the word kiwi', answer: 'I will remember kiwi.' }],
        running: { turnId: sent.messageId, state: 'running', asked: 'run: sleep 6', tool: 'Bash: sleep 6' },
      },
    });
    expect(recap.text).toContain('Running now: run: sleep 6');
    // In prose too, from a fork, while the conversation's own process is in the middle of its turn.
    expect(await recapOf(sent.sessionId, { style: 'prose' })).toMatchObject({ style: 'prose' });
    expect(ladderOf(await client.events(sent.sessionId), sent.messageId).at(-1)).toBe('turn.started');
    await eventOf(client, sent.sessionId, 'turn.completed', sent.cursor);
    expect(ladderOf(await client.events(sent.sessionId), sent.messageId)).toEqual(wholeLadder);
    expect(await client.ask({ message: 'what word', projectPath })).toMatchObject({ content: 'The word is kiwi.' });
    expect(await client.status(sent.sessionId)).toMatchObject({ pid });
  });

  it('[KA4] recaps in prose from a fork: neither the conversation, nor its history, nor its file knows of it', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('prose');
    const { sessionId, cursor } = await client.ask({ message: 'remember the word plum', projectPath });
    await client.ask({ message: 'what word', projectPath });
    const { pid } = await client.status(sessionId);
    // The CLI writes its file a little later than it answers.
    await eventually(() => [...conversations().values()].some((text) => text.includes('The word is plum.')));
    await sleep(1_500);
    const [files, messages, usage] = [conversations(), await client.messages(sessionId), (await client.status(sessionId)).usage];
    const asked = written();
    const recap = await recapOf(sessionId, { style: 'prose', after: cursor });
    // The scripted model answers "what word", which stands in the facts, from the conversation in the request: the fork has it.
    expect(recap).toMatchObject({ style: 'prose', text: 'The word is plum.', facts: { counts: { asked: 1, answered: 1 } } });
    expect(written()).toBe(asked + 1);
    expect(conversations()).toEqual(files);
    expect(await client.messages(sessionId)).toEqual(messages);
    expect(await client.status(sessionId)).toMatchObject({ pid, state: 'ready', usage });
    expect(await client.ask({ message: 'what word', projectPath })).toMatchObject({ sessionId, content: 'The word is plum.' });
    expect((await client.status(sessionId)).pid).toBe(pid);
    await sleep(1_500);
    for (const text of conversations().values()) expect(text).not.toContain(PROMPT);
  });

  it('[KA5] starts nothing for a second recap when nothing new has happened, and one more when something has', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('cached');
    const { sessionId } = await client.ask({ message: 'hello', projectPath });
    await client.call('POST', `/api/sessions/${sessionId}/stop`);
    const asked = written();
    const first = await eventually(async () => {
      const recap = await recapOf(sessionId, { style: 'prose' });
      return recap.style === 'prose' ? recap : null;
    });
    expect(written()).toBe(asked + 1);
    const began = performance.now();
    const second = await recapOf(sessionId, { style: 'prose' });
    expect(performance.now() - began).toBeLessThan(100);
    expect({ ...second, cursor: 0 }).toEqual({ ...first, cursor: 0 });
    expect(written()).toBe(asked + 1);
    const { cursor } = second;
    await client.ask({ message: 'and more', projectPath });
    expect(await recapOf(sessionId, { style: 'prose' })).toMatchObject({ style: 'prose' });
    expect(written()).toBe(asked + 2);
    expect(await recapOf(sessionId, { after: cursor })).toMatchObject({
      from: cursor,
      facts: { counts: { asked: 1, answered: 1 }, asked: [{ text: 'and more' }] },
    });
  });

  it('[KA6] tells of files, commands and what waits for a decision, from what the CLI really did', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('work');
    const { sessionId } = await client.ask({ message: `write: ${projectPath}/notes.txt hello`, projectPath, mode: 'auto' });
    await client.ask({ message: 'run: echo fine', projectPath, mode: 'auto' });
    await client.ask({ message: 'run: ls /nowhere-at-all', projectPath, mode: 'auto' });
    const { body } = await client.send({ message: 'run: rm notes.txt', projectPath, mode: 'ask' });
    const approval = (await eventOf(client, sessionId, 'approval.requested', body.cursor)).data as { approvalId: string };
    const recap = await recapOf(sessionId);
    expect(recap.facts).toMatchObject({
      counts: { asked: 4, answered: 3, fileChanges: 1, commands: 2, failedCommands: 1 },
      files: [{ path: join(projectPath, 'notes.txt'), changes: 1 }],
      commands: [
        { command: 'echo fine', outcome: 'ok' },
        { command: 'ls /nowhere-at-all', outcome: 'failed', output: expect.stringContaining('No such file') as string },
      ],
      waiting: [{ kind: 'approval', id: approval.approvalId }],
      running: { turnId: body.messageId, state: 'waiting' },
    });
    expect(recap.text).toContain('Files changed:\n- notes.txt');
    expect(recap.facts.usage).toEqual((await client.status(sessionId)).usage);
    await client.call('POST', `/api/sessions/${sessionId}/approvals/${approval.approvalId}`, { decision: 'deny' });
    await eventOf(client, sessionId, 'turn.completed', body.cursor);
    const after = await recapOf(sessionId, { after: recap.cursor });
    expect(after.facts).toMatchObject({
      waiting: [],
      running: null,
      counts: { commands: 0, failedCommands: 0 },
      commands: [{ command: 'rm notes.txt', outcome: 'refused' }],
    });
    expect(ladderOf(await client.events(sessionId), body.messageId).at(-1)).toBe(wholeLadder.at(-1));
  });

  it('[KA7] a kill of the server in the middle of prose leaves no writer behind', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('killed');
    const { sessionId } = await client.ask({ message: 'say: hello', projectPath });
    // Takes a minute; so does the recap, whose model reads it in the facts.
    await client.send({ message: 'tokens=3000 delay=20', projectPath });
    const { pid } = await eventually(async () =>
      (await client.status(sessionId)).turn?.state === 'running' ? client.status(sessionId) : null,
    );
    const mark = /HOLDFAST_INCARNATION=([^/\0]+)\//.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.[1] ?? '';
    const writers = (): unknown[] => markedProcesses(mark).filter((process) => process.mark.startsWith(`${mark}/recap-`));
    expect(mark).not.toBe('');
    void recapOf(sessionId, { style: 'prose' }).catch(() => null);
    await eventually(() => writers().length > 0);
    await claude.holdfast.kill();
    await claude.holdfast.start();
    expect(writers()).toEqual([]);
    expect(await claude.holdfast.client.status(sessionId)).toMatchObject({ state: 'working' });
    await claude.holdfast.client.call('POST', `/api/sessions/${sessionId}/cancel`);
  });
});
