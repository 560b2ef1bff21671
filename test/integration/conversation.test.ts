import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startModelServer } from '../../cli/model/model-server.ts';
import { Holdfast } from '../support/holdfast.ts';
import { agentSandbox, type AgentSandbox } from '../support/sandbox.ts';

describe('a conversation with the real Claude CLI', () => {
  let model: Awaited<ReturnType<typeof startModelServer>>;
  let sandbox: AgentSandbox;
  let holdfast: Holdfast;

  beforeAll(async () => {
    model = await startModelServer();
    sandbox = agentSandbox(model.url);
    holdfast = await Holdfast.start({ env: { ...sandbox.env, DEFAULT_AGENT: 'claude' } });
  });
  afterAll(async () => {
    await holdfast.dispose();
    sandbox.remove();
    await model.close();
  });

  it('[SE1] keeps one process and its context over seven messages', async () => {
    const { client, project } = holdfast;
    const pids = new Set<number | undefined>();
    const answers: string[] = [];
    let sessionId: string | undefined;
    for (const message of ['hello', 'remember the word kiwi', 'tokens=20', 'what word', 'one more', 'and more', 'what word']) {
      const answer = await client.ask({ message, projectPath: project });
      sessionId ??= answer.sessionId;
      expect(answer.sessionId).toBe(sessionId);
      answers.push(answer.content);
      pids.add((await client.status(answer.sessionId)).pid);
    }
    expect(answers[3]).toBe('The word is kiwi.');
    expect(answers[6]).toBe('The word is kiwi.');
    expect(pids.size).toBe(1);
    expect(holdfast.output).not.toContain('already in use');
    expect(await client.messages(sessionId ?? '')).toHaveLength(14);
  });
});
