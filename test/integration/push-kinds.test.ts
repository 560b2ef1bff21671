import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredMessageView } from '../../server/contracts/views.ts';
import { eventOf } from '../support/agent-processes.ts';
import { eventually } from '../support/eventually.ts';
import { deviceToken, payloadOf, PushWorld } from '../support/push.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('what is pushed', () => {
  let world: PushWorld;
  let project: string;
  beforeAll(async () => {
    world = await PushWorld.start();
    project = world.holdfast.project;
    await world.register(1);
  });
  afterAll(() => world.dispose());

  it('[PU1] a completed turn is told with its answer whole, and with all that the published app reads', async () => {
    const messageId = randomUUID();
    const { sessionId, reply } = await world.holdfast.client.ask({ message: 'Hello', projectPath: project, messageId });
    const push = await world.first('turn.completed');
    expect(push).toMatchObject({ token: deviceToken(1), topic: 'com.example.companion', pushType: 'alert', priority: 10 });
    expect(push.apnsId).toMatch(UUID);
    expect(push.collapseId).toBe(`turn:${messageId}`);
    expect(push.expiration).toBeGreaterThan(push.at / 1_000 + 3_600);
    const payload = payloadOf(push);
    expect(payload).toMatchObject({
      ...{ projectPath: project, sessionId, claudeSessionId: sessionId, messageId: reply?.id, requestId: messageId },
      message: 'You said: Hello',
      aps: { 'thread-id': sessionId, 'interruption-level': 'active', category: 'HOLDFAST_ANSWER', alert: { body: 'You said: Hello' } },
    });
    expect(payload).not.toHaveProperty('requiresFetch');
  });

  it('[PU2] failed and interrupted turns are told with a way to try again', async () => {
    const { client } = world.holdfast;
    await client.ask({ message: 'fail', projectPath: project });
    expect(payloadOf(await world.first('turn.failed'))).toMatchObject({
      aps: { category: 'HOLDFAST_RETRY', alert: { subtitle: 'Failed' } },
    });
    await client.ask({ message: 'crash', projectPath: project });
    expect(payloadOf(await world.first('turn.interrupted'))).toMatchObject({
      reason: 'crashed',
      aps: { category: 'HOLDFAST_RETRY', alert: { subtitle: 'Interrupted' } },
    });
  });

  it('[PU3] approvals and questions are time-sensitive, have actions, and say what is asked', async () => {
    const { client } = world.holdfast;
    const { sessionId, cursor } = (await client.send({ message: 'approve: rm -r build', projectPath: project })).body;
    const asked = await eventOf(client, sessionId, 'approval.requested', cursor);
    const approval = await world.first('approval.requested');
    expect(approval).toMatchObject({ priority: 10, collapseId: `ask:${(asked.data as { approvalId: string }).approvalId}` });
    expect(payloadOf(approval)).toMatchObject({
      approvalId: (asked.data as { approvalId: string }).approvalId,
      inputHash: (asked.data as { inputHash: string }).inputHash,
      risk: (asked.data as { risk: string }).risk,
      options: expect.arrayContaining([expect.objectContaining({ decision: 'allow' }), expect.objectContaining({ decision: 'deny' })]),
      aps: { 'interruption-level': 'time-sensitive', category: 'HOLDFAST_APPROVAL', 'relevance-score': 1 },
    });
    const { approvalId } = asked.data as { approvalId: string };
    await client.call('POST', `/api/sessions/${sessionId}/approvals/${approvalId}`, { decision: 'allow' });
    await eventOf(client, sessionId, 'turn.completed', cursor);
    await client.send({ message: 'ask: Which one?|This|That', sessionId });
    expect(payloadOf(await world.first('question.asked'))).toMatchObject({
      choices: ['This', 'That'],
      aps: { 'interruption-level': 'time-sensitive', category: 'HOLDFAST_QUESTION', alert: { body: 'Which one?' } },
    });
  });

  it('[PU4] an answer that does not fit comes as a preview, and is fetched whole', async () => {
    const { client } = world.holdfast;
    const projectPath = world.holdfast.folder('long');
    const { sessionId, reply } = await client.ask({ message: 'tokens=4000', projectPath });
    const push = await eventually(() => world.of('turn.completed').find((each) => payloadOf(each)['sessionId'] === sessionId));
    const payload = payloadOf(push);
    expect(push.bytes).toBeLessThanOrEqual(4_096);
    expect(payload).toMatchObject({ requiresFetch: true, messageId: reply?.id });
    expect(payload).not.toHaveProperty('message');
    const preview = String(payload['preview']);
    expect(preview.length).toBeGreaterThan(1_000);
    const { body } = await client.call<StoredMessageView>('GET', `/api/messages/${String(payload['messageId'])}`);
    expect(body.content.length).toBeGreaterThan(20_000);
    expect(body.content.startsWith(preview.slice(0, -1))).toBe(true);
  });
});
