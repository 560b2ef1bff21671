import { describe, expect, it } from 'vitest';
import { failures, type RealAgent } from './agents.ts';
import { Stage } from './stage.ts';

const failed = { kind: 'turn.failed', data: { code: expect.stringMatching(/^[a-z-]+$/), detail: expect.stringMatching(/\S+ \S+/) } };

/** What every agent must show where its model fails. Side by side: some try for minutes before they give up. */
export function failingModel(agent: RealAgent): void {
  async function on(env: Record<string, string>, play: (stage: Stage, sessionId: string) => Promise<void>): Promise<void> {
    const stage = await Stage.open(agent, env);
    try {
      const { sessionId } = await stage.answer('hello');
      await play(stage, sessionId);
      expect((await stage.answer('hello again', sessionId)).text).toBe('You said: hello again');
    } finally {
      await stage.close();
    }
  }

  describe.concurrent('a model that fails', () => {
    it.each(failures.filter((failure) => agent.failsWithin[failure] !== null))(
      '[AG13] ends the turn with a code and a sentence, and the next message works: %s',
      async (failure) => {
        await on({}, async (stage, sessionId) => {
          const { end } = await stage.ask(`${failure}\ntokens=6`, sessionId, agent.failsWithin[failure] ?? 0);
          expect(end).toMatchObject(failed);
        });
      },
      480_000,
    );

    it('[LM31] ends the turn also where it says nothing at all, and the same process takes the next message', async () => {
      const env = { STALL_MINUTES: '0.05', MODEL_TIMEOUT_MINUTES: '0.1', HEALTH_CHECK_INTERVAL_SECONDS: '1' };
      await on(env, async (stage, sessionId) => {
        const pid = await stage.pid(sessionId);
        const { end } = await stage.ask('hang', sessionId, 40);
        expect(end).toMatchObject(failed);
        await stage.answer('and now', sessionId);
        expect(await stage.pid(sessionId)).toBe(pid);
      });
    }, 120_000);
  });
}
