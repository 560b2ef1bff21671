import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventKind, EventOf, EventView } from '../../server/contracts/events.ts';
import { eventually } from '../support/eventually.ts';
import { expectAnsweredOnce, expectNoHoles, ladderOf, tokens, wholeLadder } from '../support/kill-checks.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

/** The smallest PNG there is: one transparent pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

describe('a conversation with the real Claude CLI', () => {
  let claude: ClaudeHoldfast;

  beforeAll(async () => {
    claude = await claudeHoldfast({ env: { MAX_CONCURRENT_SESSIONS: '20' } });
  });
  afterAll(() => claude.dispose());

  /** The first event of a kind, as soon as there is one. */
  async function firstEvent<K extends EventKind>(sessionId: string, kind: K): Promise<EventView & EventOf<K>> {
    return eventually(async () =>
      (await claude.holdfast.client.events(sessionId)).find((event): event is EventView & EventOf<K> => event.kind === kind),
    );
  }

  async function ended(sessionId: string, turnId: string): Promise<void> {
    await eventually(async () =>
      /completed|cancelled|failed|interrupted/.test(ladderOf(await claude.holdfast.client.events(sessionId), turnId).at(-1) ?? ''),
    );
  }

  it('[SE1] keeps one process and its context over seven messages', async () => {
    const { client, folder } = { client: claude.holdfast.client, folder: claude.holdfast.folder('seven') };
    const pids = new Set<number | undefined>();
    const answers: string[] = [];
    let sessionId: string | undefined;
    for (const message of ['hello', 'remember the word kiwi', 'tokens=20', 'what word', 'one more', 'and more', 'what word']) {
      const answer = await client.ask({ message, projectPath: folder });
      sessionId ??= answer.sessionId;
      expect(answer.sessionId).toBe(sessionId);
      answers.push(answer.content);
      pids.add((await client.status(answer.sessionId)).pid);
    }
    expect(answers[3]).toBe('The word is kiwi.');
    expect(answers[6]).toBe('The word is kiwi.');
    expect(pids.size).toBe(1);
    expect(claude.holdfast.output).not.toContain('already in use');
    expect(await client.messages(sessionId ?? '')).toHaveLength(14);
  });

  it('[SE27] without sessionId a project goes on with its current conversation, and another project has another', async () => {
    const { client } = claude.holdfast;
    const [one, two] = [claude.holdfast.folder('mine'), claude.holdfast.folder('other')];
    const first = await client.ask({ message: 'remember the word fig', projectPath: one });
    const other = await client.ask({ message: 'what word', projectPath: two });
    const again = await client.ask({ message: 'what word', projectPath: one });
    const named = await client.ask({ message: 'what word', sessionId: first.sessionId });
    expect(first.resumed).toBe(false);
    expect(other).toMatchObject({ content: 'I know no word.', resumed: false });
    expect(other.sessionId).not.toBe(first.sessionId);
    for (const answer of [again, named])
      expect(answer).toMatchObject({ sessionId: first.sessionId, content: 'The word is fig.', resumed: true });
  });

  it('[SE28] a conversation whose process was ended is resumed with its memory by the next message, in a new process', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('resumed');
    const { sessionId } = await client.ask({ message: 'remember the word plum', projectPath });
    const { pid } = await client.status(sessionId);
    expect(await client.call('DELETE', `/api/sessions/interactive/${sessionId}`)).toMatchObject({
      status: 200,
      body: { success: true, sessionId, state: 'dormant' },
    });
    expect(await client.status(sessionId)).toMatchObject({ state: 'dormant', lastExit: { reason: 'killed-by-user' } });
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(await client.ask({ message: 'what word', projectPath })).toMatchObject({ sessionId, content: 'The word is plum.' });
    const status = await client.status(sessionId);
    expect(status).toMatchObject({ state: 'ready', pid: expect.any(Number) as number });
    expect(status.pid).not.toBe(pid);
    expectNoHoles(await client.events(sessionId));
  });

  it('[SE38] a stop holds, however early it comes: what the agent was to get ends with it and is not delivered by the next process', async () => {
    const { client, folder } = { client: claude.holdfast.client, folder: claude.holdfast.folder('early-stop') };
    for (const message of ['tokens=400 delay=5 one', 'tokens=400 delay=5 two']) {
      const { body: sent } = await client.send({ message, projectPath: folder });
      await eventually(async () => (await client.status(sent.sessionId)).pid);
      expect(await client.call('POST', `/api/sessions/${sent.sessionId}/stop`, {})).toMatchObject({
        status: 200,
        body: { state: 'dormant' },
      });
      // It would be ahead of this one in the queue.
      expect(await client.ask({ message: 'hello', sessionId: sent.sessionId })).toMatchObject({ state: 'completed' });
      const ladder = ladderOf(await client.events(sent.sessionId), sent.messageId);
      expect(ladder.at(-1)).toMatch(/turn\.(interrupted|cancelled)/);
      await client.call('POST', `/api/sessions/${sent.sessionId}/stop`, {});
    }
  });

  it('[SE29] a cancel in mid-stream ends the turn as cancelled, keeps what was said and the process, and the next message works', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('cancelled');
    const { body } = await client.send({ message: 'tokens=2000 delay=5', projectPath });
    await firstEvent(body.sessionId, 'text');
    const { pid } = await client.status(body.sessionId);
    expect((await client.call('POST', `/api/sessions/${body.sessionId}/cancel`)).status).toBe(200);
    await ended(body.sessionId, body.messageId);
    expect(ladderOf(await client.events(body.sessionId), body.messageId)).toEqual([...wholeLadder.slice(0, -1), 'turn.cancelled']);
    const said = (await client.messages(body.sessionId)).filter(({ role }) => role === 'assistant');
    expect(said).toMatchObject([{ turnId: body.messageId, turnState: 'cancelled' }]);
    expect(tokens(2000).startsWith(said[0]?.text ?? '-')).toBe(true);
    expect(await client.ask({ message: 'hello again', projectPath })).toMatchObject({
      sessionId: body.sessionId,
      content: 'You said: hello again',
    });
    expect((await client.status(body.sessionId)).pid).toBe(pid);
    expect((await client.call('POST', `/api/sessions/${body.sessionId}/cancel`)).body).toMatchObject({ code: 'nothing-to-cancel' });
  });

  it('[SE30] messages to a busy agent wait, say their position, and are answered in order, each once', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('busy');
    const messages = ['tokens=100 delay=5', 'tokens=10 second', 'third'];
    const sent = [];
    for (const message of messages) sent.push((await client.send({ message, projectPath })).body);
    const sessionId = sent[0]?.sessionId ?? '';
    expect(sent.map(({ position }) => position)).toEqual([0, 1, 2]);
    expect((await client.status(sessionId)).queued).toBe(2);
    await ended(sessionId, sent[2]?.messageId ?? '');
    const events = await client.events(sessionId);
    const answers = [tokens(100), tokens(10), 'You said: third'];
    for (const [index, { messageId }] of sent.entries()) expectAnsweredOnce(events, messageId, answers[index] ?? '');
    for (const message of messages) expect(claude.askedFor(message)).toBe(1);
    const lifecycle = events.filter(({ kind }) => kind === 'turn.started' || kind === 'turn.completed');
    expect(lifecycle.map(({ turnId }) => turnId)).toEqual(sent.flatMap(({ messageId }) => [messageId, messageId]));
  });

  it('[SE31] an approval is an event: allowed, the tool runs once; denied, it does not run and the turn ends', async () => {
    const { client } = claude.holdfast;
    const projectPath = claude.holdfast.folder('approvals');
    const cases = [
      { file: 'allowed', decision: 'allow', ran: true, ok: true },
      { file: 'denied', decision: 'deny', ran: false, ok: false },
    ];
    for (const { file, decision, ran, ok } of cases) {
      const { body } = await client.send({ message: `run: echo hi >> ${file}`, projectPath, mode: 'ask' });
      const asked = await eventually(async () =>
        (await client.events(body.sessionId, body.cursor)).find(
          (event): event is EventView & EventOf<'approval.requested'> => event.kind === 'approval.requested',
        ),
      );
      expect(asked).toMatchObject({ turnId: body.messageId, data: { tool: 'Bash', input: { command: `echo hi >> ${file}` } } });
      expect(await client.status(body.sessionId)).toMatchObject({ state: 'waiting', turn: { state: 'waiting' } });
      expect(existsSync(join(projectPath, file))).toBe(false);
      const place = `/api/sessions/${body.sessionId}/approvals/${asked.data.approvalId}`;
      expect((await client.call('POST', place, { decision })).status).toBe(200);
      expect((await client.call('POST', place, { decision: 'allow-always' })).body).toMatchObject({ code: 'already-decided', decision });
      await ended(body.sessionId, body.messageId);
      expect(existsSync(join(projectPath, file)) && readFileSync(join(projectPath, file), 'utf8')).toBe(ran && 'hi\n');
      const events = await client.events(body.sessionId, body.cursor);
      expect(events.filter(({ kind }) => kind === 'approval.resolved' || kind === 'tool.finished')).toMatchObject([
        { data: { approvalId: asked.data.approvalId, decision } },
        { data: { ok } },
      ]);
      const steps = ['turn.written', 'turn.acknowledged', 'turn.started', 'turn.waiting', 'turn.resumed', 'turn.completed'];
      expect(ladderOf(events, body.messageId)).toEqual(steps);
    }
  });

  it('[SE32] an approval still waits after a kill of the server; allowed then, the tool runs once', async () => {
    const { holdfast } = claude;
    const projectPath = holdfast.folder('patient');
    const { body } = await holdfast.client.send({ message: 'run: echo hi >> ran', projectPath, mode: 'ask' });
    const { data } = await firstEvent(body.sessionId, 'approval.requested');
    const { pid } = await holdfast.client.status(body.sessionId);
    await holdfast.kill();
    await holdfast.start();
    expect(await holdfast.client.status(body.sessionId)).toMatchObject({
      pid,
      state: 'waiting',
      turn: { id: body.messageId, state: 'waiting' },
    });
    expect(existsSync(join(projectPath, 'ran'))).toBe(false);
    await holdfast.client.call('POST', `/api/sessions/${body.sessionId}/approvals/${data.approvalId}`, { decision: 'allow' });
    await ended(body.sessionId, body.messageId);
    expect(readFileSync(join(projectPath, 'ran'), 'utf8')).toBe('hi\n');
    const events = await holdfast.client.events(body.sessionId);
    expect(
      events
        .filter(({ kind }) => /^(approval|tool\.(started|finished))/.test(kind))
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['approval.requested', 'approval.resolved', 'tool.finished', 'tool.started']);
    expect((await holdfast.client.status(body.sessionId)).pid).toBe(pid);
  });

  it('[SE33] a question of the agent is an event; its answer reaches the agent', async () => {
    const { client } = claude.holdfast;
    const { body } = await client.send({ message: 'ask: Which colour?|Red|Blue', projectPath: claude.holdfast.folder('questions') });
    const { data } = await firstEvent(body.sessionId, 'question.asked');
    expect(data.questions).toMatchObject([{ question: 'Which colour?', options: [{ label: 'Red' }, { label: 'Blue' }] }]);
    const place = `/api/sessions/${body.sessionId}/questions/${data.questionId}`;
    expect((await client.call('POST', place, { answers: { 'Which colour?': 'Blue' } })).status).toBe(200);
    await ended(body.sessionId, body.messageId);
    const events = await client.events(body.sessionId);
    expect(events.find(({ kind }) => kind === 'question.answered')).toMatchObject({ data: { questionId: data.questionId } });
    expect(events.find(({ kind }) => kind === 'turn.completed')).toMatchObject({
      data: { text: expect.stringContaining('Blue') as string },
    });
  });

  it('[SE34] an image reaches the agent as content, another file as a private copy that the message names', async () => {
    const { holdfast } = claude;
    const secret = 'not for everybody\n';
    const attachments = [
      { name: 'pixel.png', mimeType: 'image/png', size: Buffer.from(PIXEL, 'base64').length, data: PIXEL },
      { name: 'my notes.txt', mimeType: 'text/plain', size: secret.length, data: Buffer.from(secret).toString('base64') },
    ];
    const messageId = randomUUID();
    const answer = await holdfast.client.ask({
      message: 'look at these',
      messageId,
      attachments,
      projectPath: holdfast.folder('attached'),
    });
    expect(answer.content.trim()).toBe('You said: look at these');
    const folder = holdfast.incarnations().find((path) => existsSync(join(path, 'files', messageId))) ?? '';
    const line = readFileSync(join(folder, 'in'), 'utf8')
      .split('\n')
      .find((text) => text.includes(messageId));
    const { message } = JSON.parse(line ?? '') as { message: { content: { type: string; text?: string; source?: unknown }[] } };
    expect(message.content[0]).toEqual({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } });
    const path = /- my notes\.txt: (.+)$/m.exec(message.content[1]?.text ?? '')?.[1] ?? '';
    expect(path.startsWith(join(folder, 'files', messageId))).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(secret);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'files')).mode & 0o777).toBe(0o700);
    // The agent can read what it was told of.
    const read = await holdfast.client.ask({ message: `run: cat '${path}'`, sessionId: answer.sessionId, mode: 'auto' });
    expect(read.content).toBe(`Tool said: ${secret.trim()}`);
    const [asked] = await holdfast.client.messages(answer.sessionId);
    expect(asked?.attachments).toEqual(attachments.map(({ name, mimeType, size }) => ({ name, mimeType, size })));
  });
});
