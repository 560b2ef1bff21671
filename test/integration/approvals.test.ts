import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AskedPage, AskedView } from '../../server/contracts/asked.ts';
import type { EventKind, EventOf, EventView } from '../../server/contracts/events.ts';
import { openDatabase } from '../../server/storage/database.ts';
import { openStore } from '../../server/storage/store.ts';
import { eventually } from '../support/eventually.ts';
import { claudeHoldfast, type ClaudeHoldfast } from '../support/kill-claude.ts';

describe('approvals with the real Claude CLI', () => {
  let claude: ClaudeHoldfast;
  beforeAll(async () => {
    claude = await claudeHoldfast({ env: { MAX_CONCURRENT_SESSIONS: '20' } });
  });
  afterAll(() => claude.dispose());

  async function next<K extends EventKind>(sessionId: string, kind: K, after = 0): Promise<EventView & EventOf<K>> {
    return eventually(async () =>
      (await claude.holdfast.client.events(sessionId, after)).find((event): event is EventView & EventOf<K> => event.kind === kind),
    );
  }
  /** Sends a message, and waits for what the agent asks. */
  async function asking(message: string, project: string, more: object = {}) {
    const projectPath = claude.holdfast.folder(project);
    const { body } = await claude.holdfast.client.send({ message, projectPath, mode: 'ask', ...more });
    const { data } = await next(body.sessionId, 'approval.requested', body.cursor);
    const place = `/api/sessions/${body.sessionId}/approvals/${data.approvalId}`;
    return { ...body, data, place, projectPath };
  }
  const call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) =>
    claude.holdfast.client.call<T>(method, path, body);
  const ended = (sessionId: string, after: number) =>
    eventually(async () =>
      (await claude.holdfast.client.events(sessionId, after)).find(({ kind }) =>
        /^turn\.(completed|cancelled|failed|interrupted)$/.test(kind),
      ),
    );
  const one = async (place: string): Promise<AskedView> => (await call<AskedView>('GET', place)).body;

  it('[AP2] is asked, the server is killed, and started: allowed, the tool runs once with what was shown', async () => {
    const { sessionId, cursor, data, place, projectPath } = await asking('run: echo hi >> ran', 'allowed');
    expect(data).toMatchObject({ risk: 'elevated', inputHash: expect.stringMatching(/^[\da-f]{64}$/) as string });
    await claude.holdfast.kill();
    await claude.holdfast.start();
    expect((await call<AskedPage>('GET', `/api/sessions/${sessionId}/approvals?state=open`)).body.asked).toMatchObject([data]);
    const decision = { decision: 'allow', inputHash: data.inputHash, device: 'phone' };
    expect(await call('POST', place, decision)).toMatchObject({ status: 200, body: { decision: 'allow', by: 'owner', device: 'phone' } });
    await claude.holdfast.kill();
    await claude.holdfast.start();
    // The phone never got the answer, and sends it again.
    expect(await call('POST', place, decision)).toMatchObject({ status: 200, body: { decision: 'allow' } });
    await ended(sessionId, cursor);
    expect(readFileSync(join(projectPath, 'ran'), 'utf8')).toBe('hi\n');
  });

  it('[AP2] denied after a kill, it does not run, and the agent gets the message', async () => {
    const { sessionId, cursor, place, projectPath } = await asking('run: touch ran', 'denied');
    await claude.holdfast.kill();
    await claude.holdfast.start();
    expect((await call('POST', place, { decision: 'deny', message: 'Not on a Friday.' })).status).toBe(200);
    const end = await ended(sessionId, cursor);
    expect(end).toMatchObject({ kind: 'turn.completed', data: { text: expect.stringContaining('Not on a Friday.') as string } });
    expect(existsSync(join(projectPath, 'ran'))).toBe(false);
    expect(await one(place)).toMatchObject({ outcome: { decision: 'deny', by: 'owner', message: 'Not on a Friday.' } });
  });

  it('[AP6] of three devices that answer at once one wins, and two are told who and when', async () => {
    const { sessionId, cursor, place, projectPath } = await asking('run: echo hi >> ran', 'three');
    const devices = ['phone', 'pad', 'desk'];
    const replies = await Promise.all(devices.map((device) => call('POST', place, { decision: 'allow', device })));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const winner = replies.find(({ status }) => status === 200)?.body;
    for (const { body } of replies.filter(({ status }) => status === 409)) {
      expect(body).toMatchObject({
        code: 'already-decided',
        decision: 'allow',
        by: 'owner',
        device: winner?.['device'],
        at: winner?.['at'],
      });
    }
    await ended(sessionId, cursor);
    expect(readFileSync(join(projectPath, 'ran'), 'utf8')).toBe('hi\n');
  });

  it('[AP4] bound to what it was asked: a decision about another input is refused, and the tool does not run', async () => {
    const { sessionId, cursor, data, place, projectPath } = await asking('run: touch ran', 'changed');
    const other = await asking('run: touch other', 'changed-too');
    expect(await call('POST', place, { decision: 'allow', inputHash: other.data.inputHash })).toMatchObject({
      status: 409,
      body: { code: 'input-changed', inputHash: data.inputHash },
    });
    expect(await one(place)).not.toHaveProperty('outcome');
    expect(existsSync(join(projectPath, 'ran'))).toBe(false);
    await call('POST', place, { decision: 'deny' });
    await call('POST', other.place, { decision: 'deny' });
    await ended(sessionId, cursor);
  });

  it('[AP5] an agent that asks under the same id for something else has asked anew: the first is withdrawn', async () => {
    const { sessionId, cursor, data, place, projectPath } = await asking('run: touch ran', 'twice');
    const out = claude.holdfast
      .incarnations()
      .map((folder) => join(folder, 'out'))
      .find((file) => readFileSync(file, 'utf8').includes('touch ran') && !readFileSync(file, 'utf8').includes('"result"'));
    const asked = readFileSync(out ?? '', 'utf8')
      .split('\n')
      .find((line) => line.includes('"can_use_tool"') && line.includes('touch ran'));
    appendFileSync(out ?? '', `${asked?.replaceAll('touch ran', 'rm -rf ran')}\n`);
    const again = await eventually(async () =>
      (await claude.holdfast.client.events(sessionId, cursor)).find(
        (event): event is EventView & EventOf<'approval.requested'> =>
          event.kind === 'approval.requested' && event.data.approvalId !== data.approvalId,
      ),
    );
    expect(again.data).toMatchObject({ risk: 'destructive', input: { command: 'rm -rf ran' } });
    expect(await call('POST', place, { decision: 'allow' })).toMatchObject({
      status: 409,
      body: { code: 'already-decided', decision: 'withdrawn' },
    });
    await call('POST', `/api/sessions/${sessionId}/approvals/${again.data.approvalId}`, { decision: 'deny' });
    await ended(sessionId, cursor);
    expect(existsSync(join(projectPath, 'ran'))).toBe(false);
  });

  it('[AP7] allowed always, the same is not asked again in this project', async () => {
    // Claude keeps what is allowed always at the root of the repository, which else is wherever a folder above has a `.git`.
    mkdirSync(join(claude.holdfast.folder('always'), '.git'));
    const { sessionId, cursor, data, place, projectPath } = await asking('run: touch always.txt', 'always');
    expect(data.options.map(({ decision }) => decision)).toEqual(['allow', 'allow-always', 'deny']);
    await call('POST', place, { decision: 'allow-always' });
    await ended(sessionId, cursor);
    const again = await claude.holdfast.client.ask({ message: 'run: touch always.txt', projectPath, sessionId });
    expect(again.content).toContain('Tool said');
    const { asked } = (await call<AskedPage>('GET', `/api/sessions/${sessionId}/approvals`)).body;
    expect(asked).toMatchObject([{ outcome: { decision: 'allow-always' } }]);
  });

  it('[AP8] expired while no server ran, it is denied at the start', async () => {
    const { sessionId, cursor, place, projectPath } = await asking('run: touch ran', 'late');
    const question = await claude.holdfast.client.send({
      message: 'ask: Which?|This|That',
      projectPath: claude.holdfast.folder('late-question'),
    });
    const { data: posed } = await next(question.body.sessionId, 'question.asked');
    await claude.holdfast.kill();
    // As if it had been a day: the store says when both expire.
    const db = openDatabase(join(claude.holdfast.dataDir, 'holdfast.db'));
    db.prepare('UPDATE requests SET asked_at = asked_at - 86400000, expires_at = expires_at - 86400000 WHERE decision IS NULL').run();
    db.close();
    await claude.holdfast.start();
    expect(await one(place)).toMatchObject({ outcome: { decision: 'expired', by: 'holdfast', reason: 'timed-out' } });
    expect(await call('POST', place, { decision: 'allow' })).toMatchObject({ status: 409, body: { decision: 'expired' } });
    await ended(sessionId, cursor);
    await ended(question.body.sessionId, question.body.cursor);
    expect(await one(`/api/sessions/${question.body.sessionId}/approvals/${posed.questionId}`)).toMatchObject({
      kind: 'question',
      outcome: { decision: 'expired' },
    });
    expect(existsSync(join(projectPath, 'ran'))).toBe(false);
  });

  it('[AP10] withdrawn by a cancel, a stop and the death of the agent, each with its reason', async () => {
    const ends = [
      ['cancelled', (id: string) => call('POST', `/api/sessions/${id}/cancel`, {})],
      ['stopped', (id: string) => call('POST', `/api/sessions/${id}/stop`, {})],
      ['process-ended', async (id: string) => process.kill((await claude.holdfast.client.status(id)).pid ?? 0, 'SIGKILL')],
    ] as const;
    for (const [reason, end] of ends) {
      const { sessionId, cursor, place, projectPath } = await asking('run: touch ran', `withdrawn-${reason}`);
      await end(sessionId);
      await ended(sessionId, cursor);
      expect(await one(place)).toMatchObject({ outcome: { decision: 'withdrawn', reason } });
      expect((await call('POST', place, { decision: 'allow' })).status).toBe(409);
      expect(existsSync(join(projectPath, 'ran'))).toBe(false);
    }
  });

  it('[AP13] a question is answered with an option or any other text, after a kill too; several choices are one text', async () => {
    const { client } = claude.holdfast;
    const { body } = await client.send({ message: 'ask: Which colour?|Red|Blue', projectPath: claude.holdfast.folder('free') });
    const { data } = await next(body.sessionId, 'question.asked');
    await claude.holdfast.kill();
    await claude.holdfast.start();
    const place = `/api/sessions/${body.sessionId}/questions/${data.questionId}`;
    const answer = { answers: { 'Which colour?': 'A warm grey' }, inputHash: data.inputHash, device: 'phone' };
    expect(await call('POST', place, { ...answer, answers: { 'Which?': 'x' } })).toMatchObject({
      status: 400,
      body: { code: 'validation-failed', errors: [{ field: 'answers.Which?' }] },
    });
    expect(await call('POST', place, { ...answer, inputHash: 'f'.repeat(64) })).toMatchObject({
      status: 409,
      body: { code: 'input-changed' },
    });
    expect(await call('POST', place, answer)).toMatchObject({ status: 200, body: { by: 'owner', device: 'phone' } });
    expect((await call('POST', place, answer)).status).toBe(200);
    expect(await call('POST', place, { ...answer, device: 'pad' })).toMatchObject({
      status: 409,
      body: { decision: 'answered', device: 'phone' },
    });
    expect(await ended(body.sessionId, body.cursor)).toMatchObject({ data: { text: expect.stringContaining('A warm grey') as string } });
  });

  it('[AP11] in each mode the agent asks for what the mode leaves to its owner', async () => {
    const asks: Record<string, string[]> = {};
    for (const mode of ['ask', 'accept-edits', 'plan', 'auto']) {
      const projectPath = claude.holdfast.folder(`mode-${mode}`);
      asks[mode] = [];
      for (const [what, message] of [
        ['edit', `write: ${join(projectPath, 'edited')} hello`],
        ['run', `run: node -e "require('fs').writeFileSync('ran', '')"`],
        ['look', 'run: ls'],
      ] as const) {
        const { body } = await claude.holdfast.client.send({ message, projectPath, mode });
        const settled = await eventually(async () =>
          (await claude.holdfast.client.events(body.sessionId, body.cursor)).find(
            ({ kind }) => kind === 'approval.requested' || kind === 'turn.completed',
          ),
        );
        if (settled.kind === 'approval.requested') {
          asks[mode].push(what);
          await call('POST', `/api/sessions/${body.sessionId}/approvals/${settled.data.approvalId}`, { decision: 'deny' });
          await ended(body.sessionId, body.cursor);
        }
      }
      asks[mode].push(`edited: ${existsSync(join(projectPath, 'edited'))}, ran: ${existsSync(join(projectPath, 'ran'))}`);
    }
    expect(asks).toEqual({
      ask: ['edit', 'run', 'edited: false, ran: false'],
      'accept-edits': ['run', 'edited: true, ran: false'],
      plan: ['edit', 'run', 'edited: false, ran: false'],
      auto: ['edited: true, ran: true'],
    });
  });

  it('[AP12] a change of mode holds from the next message on', async () => {
    const { sessionId, cursor, place, projectPath } = await asking('run: touch first', 'modes');
    await call('PATCH', `/api/sessions/${sessionId}`, { mode: 'auto' });
    expect(await one(place)).not.toHaveProperty('outcome');
    expect(existsSync(join(projectPath, 'first'))).toBe(false);
    await call('POST', place, { decision: 'deny' });
    await ended(sessionId, cursor);
    await claude.holdfast.client.ask({ message: 'run: touch second', sessionId });
    expect(existsSync(join(projectPath, 'second'))).toBe(true);
    await call('PATCH', `/api/sessions/${sessionId}`, { mode: 'ask' });
    const third = await asking('run: touch third', 'modes', { sessionId });
    expect(existsSync(join(projectPath, 'third'))).toBe(false);
    await call('POST', third.place, { decision: 'deny' });
    await ended(sessionId, third.cursor);
  });

  it('[AP25] an edit that is allowed always is said in the mode of its session, and asking again is a matter of setting that', async () => {
    const { client } = claude.holdfast;
    const file = (name: string): string => join(claude.holdfast.folder('edits'), name);
    const { sessionId, cursor, data, place } = await asking(`write: ${file('one')} hello`, 'edits');
    expect(data.options[1]).toMatchObject({ decision: 'allow-always', label: 'Allow all edits in this session' });
    await call('POST', place, { decision: 'allow-always' });
    expect(await next(sessionId, 'session.updated', cursor)).toMatchObject({ data: { mode: 'accept-edits' } });
    await ended(sessionId, cursor);
    expect((await client.session(sessionId)).mode).toBe('accept-edits');
    expect((await client.ask({ message: `write: ${file('two')} hello`, sessionId })).content).toContain('Tool said');
    await claude.holdfast.kill();
    await claude.holdfast.start();
    const third = await asking(`write: ${file('three')} hello`, 'edits', { sessionId, mode: 'ask' });
    expect(existsSync(file('three'))).toBe(false);
    // A mode that its owner sets before the agent has told of its own holds.
    await call('PATCH', `/api/sessions/${sessionId}`, { mode: 'plan' });
    await call('POST', third.place, { decision: 'allow-always' });
    await ended(sessionId, third.cursor);
    expect((await claude.holdfast.client.session(sessionId)).mode).toBe('plan');
    const fourth = await asking(`write: ${file('four')} hello`, 'edits', { sessionId, mode: 'plan' });
    await call('POST', fourth.place, { decision: 'deny' });
    await ended(sessionId, fourth.cursor);
    expect(existsSync(file('four'))).toBe(false);
  });

  it('[AP16] what is not there is 404, also in the session of another, and what is not valid names its field', async () => {
    const mine = await asking('run: touch ran', 'mine');
    const { sessionId } = await claude.holdfast.client.ask({ message: 'hello', projectPath: claude.holdfast.folder('foreign') });
    const id = mine.data.approvalId;
    const gone = [
      ['POST', `/api/sessions/${sessionId}/approvals/${id}`, { decision: 'allow' }, 'approval-not-found'],
      ['POST', `/api/sessions/${sessionId}/questions/${id}`, { answers: { a: 'b' } }, 'question-not-found'],
      ['POST', `/api/sessions/${mine.sessionId}/questions/${id}`, { answers: { a: 'b' } }, 'question-not-found'],
      ['GET', `/api/sessions/${sessionId}/approvals/${id}`, undefined, 'approval-not-found'],
      ['GET', `/api/sessions/nobody/approvals`, undefined, 'session-not-found'],
      ['GET', `/api/sessions/nobody/approvals/${id}`, undefined, 'session-not-found'],
    ] as const;
    for (const [method, path, body, code] of gone)
      expect(await call(method, path, body), path).toMatchObject({ status: 404, body: { code } });
    const wrong = [
      ['decision', {}],
      ['decision', { decision: 'maybe' }],
      ['inputHash', { decision: 'allow', inputHash: 'abc' }],
      ['inputHash', { decision: 'allow', inputHash: 7 }],
      ['inputHash', { decision: 'allow', inputHash: 'A'.repeat(64) }],
      ['device', { decision: 'allow', device: '' }],
      ['device', { decision: 'allow', device: 'x'.repeat(101) }],
      ['device', { decision: 'allow', device: 'a\nb' }],
      ['message', { decision: 'deny', message: 'x'.repeat(10_001) }],
    ] as const;
    for (const [field, body] of wrong)
      expect(await call('POST', mine.place, body), field).toMatchObject({
        status: 400,
        body: { code: 'validation-failed', errors: [{ field }] },
      });
    for (const [field, query] of [
      ['state', '?state=closed'],
      ['kind', '?kind=wish'],
      ['limit', '?limit=0'],
      ['limit', '?limit=1001'],
      ['before', '?before='],
    ])
      expect(await call('GET', `/api/sessions/${sessionId}/approvals${query}`), query).toMatchObject({
        status: 400,
        body: { errors: [{ field }] },
      });
    expect(await call('GET', `/api/sessions/${sessionId}/approvals?before=x`)).toMatchObject({ status: 400, body: { code: 'bad-cursor' } });
    expect(await one(mine.place)).not.toHaveProperty('outcome');
    await call('POST', mine.place, { decision: 'deny' });
    await ended(mine.sessionId, mine.cursor);
  });

  it('[AP15] everything that was settled here is in the audit, once', async () => {
    await claude.holdfast.stop();
    const store = openStore(openDatabase(join(claude.holdfast.dataDir, 'holdfast.db')));
    const counts = store.db
      .prepare<[], { decided: number; audited: number }>(
        `SELECT (SELECT count(*) FROM requests WHERE decision IS NOT NULL) AS decided,
                (SELECT count(*) FROM approvals_audit a JOIN requests r ON r.id = a.request_id AND r.decision = a.decision AND r.input_hash = a.input_hash) AS audited`,
      )
      .get();
    store.db.close();
    expect(counts?.decided).toBeGreaterThan(10);
    expect(counts?.audited).toBe(counts?.decided);
    await claude.holdfast.start();
  });
});
